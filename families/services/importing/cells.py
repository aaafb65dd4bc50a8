"""Reads the cells of one row as a person: names, address, rights, and what is wrong with each, beside its field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from families.services.importing.columns import (
    AUTH,
    EMAIL,
    FAMILY,
    FIRST_NAME,
    FULL_NAME,
    LAST_NAME,
    PROPERTY,
)
from families.services.importing.rights import WordUnknown, rights_in
from families.services.importing.tables import Line
from portal.upstream.text import clean
from portal.web.typed import one_address, one_name

NAME_LENGTH = 64
# What is kept of a cell that cannot be read, to be shown beside what is wrong with it.
SHOWN_LENGTH = 200
_FORMULA_SIGNS = ("=", "+", "-", "@")
# Small words that belong to the last name which they stand before.
_PARTICLE_WORDS = (
    " abu af al ben bin bint da dal dalla das de dei del della den der di do dos du e el ibn la las le los mac san st te "
    "ten ter van vande vom von y zu zum zur "
)


@dataclass
class Person:
    """What a row says. ``auth`` is "" where it says nothing of rights; ``wrong`` has words for each field."""

    number: int
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    auth: str = ""
    family: str = ""
    property: str = ""
    wrong: dict[str, str] = field(default_factory=dict)


def read_person(
    line: Line, columns: Sequence[str], meanings: Mapping[str, str], *, needs_names: bool
) -> Person:
    """The person in a row. Whatever cannot be read stays as it was typed, cut, and is named in ``wrong``.

    ``meanings``: see rights.rights_in.
    """
    person = Person(line.number)
    cells = {
        name: line.cells[place] for place, name in enumerate(columns) if name and place < len(line.cells)
    }
    if extra := sum(bool(cell.strip()) for cell in line.cells[len(columns) :]):
        words = gettext("%(count)d cells more than there are columns: is there a separator in a name?")
        person.wrong["row"] = words % {"count": extra}
    _read_address(person, cells.get(EMAIL, ""))
    _read_names(person, cells, needs_names=needs_names)
    if typed := cells.get(AUTH, "").strip():
        person.auth = _checked(person, AUTH, typed, lambda word: rights_in(word, meanings))
    person.family, person.property = (clean(cells.get(name, "").strip()) for name in (FAMILY, PROPERTY))
    return person


def split_name(whole: str) -> tuple[str, str]:
    """First and last name in one: by a comma, by capital letters, else the last word with its particles."""
    last, comma, first = whole.partition(",")
    if comma:
        return first.strip(), last.strip()
    words = whole.split()
    if len(words) < 2:
        return whole.strip(), ""
    loud = [len(word) > 1 and word.isupper() for word in words]
    if any(loud) and not all(loud):
        if all(loud[: loud.index(False)]) and not any(loud[loud.index(False) :]) and loud[0]:
            place = loud.index(False)
            return " ".join(words[place:]), " ".join(words[:place])
        place = loud.index(True)
        if place and all(loud[place:]):
            return " ".join(words[:place]), " ".join(words[place:])
    place = len(words) - 1
    while place > 1 and f" {words[place - 1].lower()} " in _PARTICLE_WORDS:
        place -= 1
    return " ".join(words[:place]), " ".join(words[place:])


def _read_address(person: Person, typed: str) -> None:
    if not typed.strip():
        person.wrong[EMAIL] = gettext("There is no e-mail address.")
        return
    person.email = _checked(person, EMAIL, typed.strip(), one_address)


def _read_names(person: Person, cells: dict[str, str], *, needs_names: bool) -> None:
    whole = cells.get(FULL_NAME, "")
    first, last = cells.get(FIRST_NAME, ""), cells.get(LAST_NAME, "")
    if whole.strip() and not (first.strip() or last.strip()):
        name = _checked(person, FULL_NAME, whole.strip(), _whole_name)
        if FULL_NAME in person.wrong:
            person.first_name, person.wrong[FIRST_NAME] = name, person.wrong.pop(FULL_NAME)
            return
        first, last = split_name(name)
    for place, typed in ((FIRST_NAME, first), (LAST_NAME, last)):
        if typed.strip():
            setattr(person, place, _checked(person, place, typed, _name))
    if needs_names and not person.first_name:
        person.wrong[FIRST_NAME] = gettext("There is no first name. Whoever is added directly needs one.")


def _name(typed: str) -> str:
    name = one_name(typed, NAME_LENGTH)
    _refuse_formula(name)
    return name


def _whole_name(typed: str) -> str:
    name = one_name(typed, 2 * NAME_LENGTH + 1)
    _refuse_formula(name)
    return name


def _refuse_formula(name: str) -> None:
    # Design decision: no name begins like a formula, and one that does would be calculated wherever this name is
    # opened in a spreadsheet again. An address or a family that does is text: it is compared, or guarded by reports.
    if name.startswith(_FORMULA_SIGNS):
        raise ValidationError(
            gettext("It begins with %(sign)s, as a formula does. Write the name alone.") % {"sign": name[0]}
        )


def _checked(person: Person, place: str, typed: str, read: Callable[[str], str]) -> str:
    try:
        return read(typed)
    except ValidationError as error:
        person.wrong[place] = " ".join(error.messages)
    except WordUnknown as error:
        person.wrong[place] = str(error)
    return clean(typed)[:SHOWN_LENGTH]
