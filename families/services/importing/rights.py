"""What the words of a sheet mean as rights in a family."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from django.utils.translation import gettext

from families.models import Rights
from portal.text import searchable
from portal.upstream.text import clean

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
# What somebody may say that an unknown word means.
LEAVE_OUT = "leave_out"
GIVEN = frozenset({Rights.USER.value, Rights.GUEST.value})
MOST_WORDS = 12
WORD_LENGTH = 80
_RIGHTS_OF = {searchable(word): rights for rights, words in _WORDS.items() for word in words.split("|")}


class WordUnknown(Exception):
    """No right is called like this, or one that nobody can be given; the text says what to write instead."""


def is_rights_word(text: str) -> bool:
    """Whether a cell says a right."""
    return searchable(text) in _RIGHTS_OF


def rights_in(text: str, meanings: Mapping[str, str]) -> str:
    """What a cell says as the upstream's word; raises WordUnknown, with words for the cell.

    ``meanings`` are those of words that are not known by themselves, by their digest: a right, or LEAVE_OUT.
    """
    found = _RIGHTS_OF.get(searchable(text))
    if found == Rights.ADMIN:
        raise WordUnknown(
            gettext(
                "Nobody becomes an owner by an import. Hand the family over on its page; here write member."
            )
        )
    said = str(found) if found is not None else meanings.get(word_digest(text), "")
    if said not in GIVEN:
        words = gettext(
            "“%(word)s” is no right that is known here: write administrator or member, or say beside the columns which of "
            "them it means."
        )
        raise WordUnknown(words % {"word": text[:40]})
    return said


def unknown_words(cells: Iterable[str]) -> list[str]:
    """The words among these cells that mean no right by themselves, each as it is written first; the most frequent first.

    At most MOST_WORDS: of more than these something else is wrong.
    """
    spelled: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for cell in cells:
        if plain := searchable(cell):
            spelled.setdefault(plain, " ".join(clean(cell).split())[:WORD_LENGTH])
            counts[plain] += 1
    unknown = [plain for plain, _count in counts.most_common() if plain not in _RIGHTS_OF]
    return [spelled[plain] for plain in unknown[:MOST_WORDS]]


def word_digest(word: str) -> str:
    """What a word is known again by, whatever its case and accents: it is not kept itself, for it might be a name."""
    return hashlib.sha256(searchable(" ".join(clean(word).split())[:WORD_LENGTH]).encode()).hexdigest()[:16]
