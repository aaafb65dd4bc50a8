"""What the words of a sheet mean as rights in a family."""

from django.utils.translation import gettext

from families.models import Rights
from portal.text import searchable

# As `searchable` writes them. Upstream's own "user" and "guest" are among them; its "admin" is the owner, and nobody
# writes that into a sheet: there it is short for administrator.
_WORDS = {
    Rights.USER: (
        "user|admin|administrator|family admin|family administrator|administrateur|administratrice|administrador|"
        "administradora|amministratore|amministratrice|beheerder|verwalter|administratorin|administratör|yonetici"
    ),
    Rights.GUEST: (
        "guest|member|resident|tenant|occupant|mitglied|bewohner|bewohnerin|mieter|mieterin|gast|membre|invite|invitee|"
        "resident e|locataire|miembro|residente|invitado|invitada|membro|convidado|inquilino|ospite|lid|bewoner|huurder|"
        "czlonek|gosc|medlem|gæst|gjest|uye|misafir"
    ),
    Rights.ADMIN: (
        "owner|eigentumer|eigentumerin|besitzer|besitzerin|inhaber|proprietaire|propietario|propietaria|dueno|duena|"
        "dono|dona|proprietario|proprietaria|eigenaar|wlasciciel|agare|ejer|eier|sahip"
    ),
}
_RIGHTS_OF = {searchable(word): rights for rights, words in _WORDS.items() for word in words.split("|")}


class WordUnknown(Exception):
    """No right is called like this, or one that nobody can be given; the text says what to write instead."""


def is_rights_word(text: str) -> bool:
    """Whether a cell says a right."""
    return searchable(text) in _RIGHTS_OF


def rights_in(text: str) -> str:
    """What a cell says as the upstream's word; raises WordUnknown, with words for the cell."""
    found = _RIGHTS_OF.get(searchable(text))
    if found == Rights.ADMIN:
        raise WordUnknown(
            gettext(
                "Nobody becomes an owner by an import. Hand the family over on its page; here write member."
            )
        )
    if found is None:
        raise WordUnknown(
            gettext("“%(word)s” is no right that is known here: write administrator or member.")
            % {"word": text[:40]}
        )
    return str(found)
