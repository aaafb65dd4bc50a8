"""Guesses which column of a sheet means what, by its header's words or else by what stands in it."""

import hashlib
import re
from collections.abc import Callable, Sequence

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from families.services.importing.rights import is_rights_word
from portal.text import searchable

EMAIL, FIRST_NAME, LAST_NAME, FULL_NAME = "email", "first_name", "last_name", "full_name"
AUTH, FAMILY, PROPERTY = "auth", "family", "property"
# In the order in which people choose among them.
FIELDS = {
    EMAIL: _("E-mail address"),
    FIRST_NAME: _("First name"),
    LAST_NAME: _("Last name"),
    FULL_NAME: _("Whole name"),
    AUTH: _("Rights"),
    FAMILY: _("Family"),
    PROPERTY: _("Property"),
}
# What columns are called, as `searchable` writes it, in English, German, French, Spanish, Portuguese, Italian, Dutch,
# Polish, Swedish, Danish, Norwegian and Turkish.
_HEADERS = {
    EMAIL: (
        "email|e mail|mail|emails|email address|e mail address|mail address|mailadresse|e mailadresse|e mail adresse|"
        "courriel|adresse electronique|adresse mail|adresse e mail|adresse email|correo|correo electronico|correio|"
        "correio eletronico|correio electronico|posta elettronica|indirizzo email|indirizzo e mail|mailadres|"
        "e mailadres|e mail adres|adres e mail|adres email|epost|e post|eposta|e posta"
    ),
    FIRST_NAME: (
        "first name|firstname|first|given name|givenname|forename|vorname|rufname|prenom|nombre de pila|primeiro nome|"
        "primer nombre|nome proprio|nome di battesimo|voornaam|roepnaam|imie|fornamn|fornavn|adi"
    ),
    LAST_NAME: (
        "last name|lastname|last|surname|nachname|familienname|zuname|nom de famille|apellido|apellidos|sobrenome|"
        "apelido|ultimo nome|cognome|achternaam|nazwisko|efternamn|efternavn|etternavn|soyad|soyadi"
    ),
    FULL_NAME: (
        "full name|fullname|whole name|display name|resident|resident name|tenant|tenant name|occupant|contact|person|"
        "member|name vorname|vorname nachname|vor und nachname|bewohner|mieter|nom complet|nom et prenom|nom prenom|"
        "resident e|locataire|nombre completo|nombre y apellidos|residente|inquilino|nome completo|nome e cognome|"
        "volledige naam|bewoner|huurder|imie i nazwisko|mieszkaniec|lokator|boende|beboer|ad soyad"
    ),
    AUTH: (
        "rights|right|role|roles|auth|permission|permissions|access level|rolle|recht|rechte|berechtigung|droits|droit|"
        "rol|derechos|permisos|permissao|funcao|papel|ruolo|diritti|rechten|uprawnienia|rola|behorighet|roll|"
        "rettigheder|rettigheter|yetki"
    ),
    FAMILY: (
        "family|residence|residence id|residenceid|residence_id|unit|unit number|unit no|flat|flat number|flat no|"
        "apartment|apartment number|apartment no|apt|apt no|suite|household|door number|familie|wohnung|wohnungsnummer|"
        "haushalt|wohneinheit|einheit|famille|appartement|logement|lot|familia|vivienda|piso|apartamento|departamento|"
        "unidad|hogar|fracao|unidade|famiglia|appartamento|interno|gezin|woning|rodzina|mieszkanie|lokal|lagenhet|"
        "hushall|lejlighed|husstand|leilighet|aile|daire"
    ),
    PROPERTY: (
        "property|building|block|estate|site|objekt|liegenschaft|gebaude|haus|immeuble|batiment|residence name|"
        "propiedad|edificio|bloque|predio|bloco|immobile|palazzo|gebouw|pand|nieruchomosc|budynek|fastighet|byggnad|"
        "ejendom|bygning|bina|blok"
    ),
}
_FIELD_OF = {phrase: field for field, phrases in _HEADERS.items() for phrase in phrases.split("|")}
# A name by itself is the whole one; beside one of its parts it is the other.
_NAMES = frozenset({"name", "names", "nom", "nombre", "nome", "naam", "namn", "navn", "ad", "isim"})
_LOOKED_AT = 200
_SIGNS = re.compile(r"[^\w]+")


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row says what the columns are: it holds no address, and known words or addresses below it."""
    first = rows[0]
    if any("@" in cell for cell in first):
        return False
    if any(_field_called(cell) for cell in first):
        return True
    return any("@" in cell for row in rows[1:_LOOKED_AT] for cell in row)


def guess_columns(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """A field's name for each column, or "": no field twice. ``header`` is empty where the sheet has none."""
    found = [_field_called(cell) for cell in header][:width]
    found += [""] * (width - len(found))
    _sort_names(found)
    _once_each(found)
    some = rows[:_LOOKED_AT]
    cells = [[row[place].strip() for row in some if place < len(row)] for place in range(width)]
    if EMAIL not in found:
        _take(found, EMAIL, [_share(column, lambda cell: "@" in cell) for column in cells], 0.5)
    if AUTH not in found:
        _take(found, AUTH, [_share(column, is_rights_word) for column in cells], 0.8)
    if not header:
        _guess_rest(found, cells)
    return found


def fits_cells(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the column that would have the addresses has them: of sheets without a header nothing else tells them apart."""
    place = columns.index(EMAIL) if EMAIL in columns else -1
    cells = [row[place].strip() for row in rows[:_LOOKED_AT] if 0 <= place < len(row)]
    return _share(cells, lambda cell: "@" in cell) >= 0.5


def cells_of(field: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The cells of the column that means this; none where no column does."""
    place = columns.index(field) if field in columns else -1
    return [row[place] for row in rows if 0 <= place < len(row)]


def wrong_columns(columns: Sequence[str]) -> list[tuple[int | None, str]]:
    """What is wrong with the meanings of columns, each with the place of the column, or None for the sheet."""
    found: list[tuple[int | None, str]] = []
    for place, field in enumerate(columns):
        if field and field in columns[:place]:
            words = gettext("Column %(number)d is the %(field)s already. Leave one of them out.")
            said = {"number": columns.index(field) + 1, "field": str(FIELDS[field]).lower()}
            found.append((place, words % said))
    if EMAIL not in columns:
        words = gettext("No column has the e-mail addresses: choose one, or bring a sheet that has them.")
        found.append((None, words))
    return found


def no_family() -> str:
    """What is said where neither a column nor a choice tells the family."""
    return gettext("No column is the family: choose which it is, or one family for all rows.")


def header_digest(header: Sequence[str], width: int) -> str:
    """What a header is known again by: its words, whatever their case and accents; without one, how many columns there are."""
    if not header:
        # No header's words have a line that is no text.
        return hashlib.sha256(f"\0{width} columns".encode()).hexdigest()
    return hashlib.sha256("\n".join(map(_plain, header)).encode()).hexdigest()


def _plain(text: str) -> str:
    return " ".join(_SIGNS.sub(" ", searchable(text)).split())


def _field_called(text: str) -> str:
    plain = _plain(text)
    if plain in _NAMES:
        return FULL_NAME
    # "E-mail (private)", "Name *": what stands in brackets explains.
    return _FIELD_OF.get(plain) or _FIELD_OF.get(_plain(re.sub(r"[(\[].*", "", text)), "")


def _sort_names(found: list[str]) -> None:
    if FULL_NAME not in found:
        return
    has_first, has_last = FIRST_NAME in found, LAST_NAME in found
    if has_first != has_last:
        found[found.index(FULL_NAME)] = LAST_NAME if has_first else FIRST_NAME
    elif has_first:
        found[found.index(FULL_NAME)] = ""


def _once_each(found: list[str]) -> None:
    for place, field in enumerate(found):
        if field and field in found[:place]:
            found[place] = ""


def _share(cells: Sequence[str], fits: Callable[[str], bool]) -> float:
    filled = [cell for cell in cells if cell]
    return sum(map(fits, filled)) / len(filled) if filled else 0.0


def _take(found: list[str], field: str, shares: Sequence[float], least: float) -> None:
    free = [place for place, taken in enumerate(found) if not taken]
    best = max(free, key=lambda place: shares[place], default=None)
    if best is not None and shares[best] >= least:
        found[best] = field


def _guess_rest(found: list[str], cells: Sequence[Sequence[str]]) -> None:
    """Without a header: figures are flats, and the words that are left are names."""
    free = [place for place, field in enumerate(found) if not field and any(cells[place])]
    for place in free:
        if FAMILY not in found and _share(cells[place], lambda cell: any(map(str.isdigit, cell))) >= 0.5:
            found[place] = FAMILY
    names = [place for place in free if not found[place] and _share(cells[place], _is_name) >= 0.8]
    if len(names) == 1:
        found[names[0]] = FULL_NAME
    elif names:
        found[names[0]], found[names[1]] = FIRST_NAME, LAST_NAME


def _is_name(cell: str) -> bool:
    return not any(map(str.isdigit, cell)) and any(map(str.isalpha, cell))
