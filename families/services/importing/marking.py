"""Compares the people of a sheet with those there are: new, there already, with other rights, or wrong and why."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Q
from django.utils.translation import gettext

from families.models import Family, FamilyInvitation, Member, Reach, Rights
from families.selectors.telling import rights_of
from families.services.importing.cells import Person
from families.services.importing.columns import AUTH, EMAIL, FAMILY, FIRST_NAME, LAST_NAME
from portal.accounts.models import User
from portal.audit.models import MAY_HAVE_BEEN_SENT
from portal.text import searchable

NEW, THERE, DIFFERS, ERROR = "new", "there", "differs", "error"
MARKS = (NEW, THERE, DIFFERS, ERROR)
INVITE, CREATE = "invite", "create"
CHUNK = 500
# How many families of one name are named.
_NAMED = 4
Item = TypeVar("Item")


@dataclass(frozen=True)
class Wish:
    """What was chosen for all rows. ``family``: all of them are of this one. ``auth``: for whoever's row says none."""

    way: str
    changes_rights: bool
    auth: str
    family: Family | None = None


@dataclass
class Marked:
    """A row with its mark. ``words`` say why; ``will_be_sent`` once it is confirmed."""

    person: Person
    mark: str
    words: str = ""
    family: Family | None = None
    auth: str = ""
    member: Member | None = None
    will_be_sent: bool = False

    @property
    def values(self) -> dict[str, Any]:
        """What the row of a job keeps."""
        person = self.person
        values: dict[str, Any] = {
            FIRST_NAME: person.first_name,
            LAST_NAME: person.last_name,
            EMAIL: person.email,
            AUTH: self.auth,
            "member": "",
        }
        if self.member is not None:
            # What they were when they were compared: whoever was changed since is not changed back.
            values |= {"member": self.member.public_id, "was": self.member.auth}
        if self.family is None and person.family:
            values[FAMILY] = ": ".join(filter(None, [person.property, person.family]))
        if person.wrong:
            values["wrong"] = person.wrong
        return values


def mark_people(user: User, people: Sequence[Person], wish: Wish) -> list[Marked]:
    """Each row with its mark, in their order. Cost: four queries for every 500 rows; no upstream call."""
    seen: dict[tuple[int, str], int] = {}
    return [row for some in _chunks(people, CHUNK) for row in _mark_some(user, some, wish, seen)]


def _mark_some(
    user: User, people: Sequence[Person], wish: Wish, seen: dict[tuple[int, str], int]
) -> Iterator[Marked]:
    families = _find_families(user, people, wish)
    found = [family.pk for family in set(filter(None, families))]
    members = _members(user, found)
    reached, ours = _reaches(found)
    invited = _invited(found) if wish.way == INVITE else set()
    for person, family in zip(people, families, strict=True):
        auth = person.auth or ("" if AUTH in person.wrong else wish.auth)
        row = Marked(person, ERROR, family=family, auth=auth)
        if family is not None and EMAIL not in person.wrong:
            address = person.email.casefold()
            earlier = seen.setdefault((family.pk, address), person.number)
            if earlier != person.number:
                words = gettext("The same address stands in row %(number)s already.")
                person.wrong[EMAIL] = words % {"number": f"{earlier:,}"}
            if family.pk not in reached:
                person.wrong[FAMILY] = gettext(
                    "No connection reaches this family now: nothing could be sent."
                )
            member = members.get((family.pk, address))
            if member is not None and not person.wrong:
                _compare(row, member, wish, is_ours=(family.pk, member.account_id) in ours)
            elif not person.wrong:
                _greet(row, wish, is_invited=(family.pk, address) in invited)
        if person.wrong:
            row.mark, row.will_be_sent = ERROR, False
            row.words = " ".join(person.wrong.values())
        yield row


def _compare(row: Marked, member: Member, wish: Wish, *, is_ours: bool) -> None:
    """Somebody of that address is in the family."""
    row.member = member
    asked = row.person.auth
    if not asked or asked == member.auth:
        row.mark, row.auth = THERE, member.auth
        row.words = gettext("In the family already, as %(rights)s.") % {"rights": rights_of(member.auth)}
        return
    row.mark = DIFFERS
    rights = {"now": rights_of(member.auth), "asked": rights_of(asked)}
    if member.auth == Rights.ADMIN:
        row.words = gettext("Is the owner, and stays it: a family is handed over on its page.")
    elif is_ours:
        row.words = gettext("Is the account that Gatehouse itself acts with here, and stays as it is.")
    elif wish.changes_rights:
        row.words = _becomes(member.auth, asked, rights)
        row.will_be_sent = True
    else:
        row.words = gettext("Is %(now)s, the sheet says %(asked)s: left as it is.") % rights


def _greet(row: Marked, wish: Wish, *, is_invited: bool) -> None:
    """Nobody of that address is in the family."""
    if is_invited:
        row.mark = THERE
        row.words = gettext("Invited before, and has not joined: not invited twice.")
        return
    row.mark, row.will_be_sent = NEW, True


def _find_families(user: User, people: Sequence[Person], wish: Wish) -> list[Family | None]:
    """The family of each row; where there is none, the row says why."""
    visible = Family.objects.visible_to(user).filter(gone_at=None).select_related("property")
    if wish.family is not None:
        one = visible.filter(pk=wish.family.pk).first()
        for person in people:
            if one is None:
                person.wrong[FAMILY] = gettext("The family chosen for all rows is not there any more.")
        return [one] * len(people)
    texts = {person.family for person in people if person.family}
    names = {searchable(text) for text in texts} - {""}
    by_id: dict[str, Family] = {}
    by_name: dict[str, list[Family]] = defaultdict(list)
    wanted = Q(residence_id__in=texts) | Q(public_id__in=texts) | Q(search_text__in=names)
    for family in visible.filter(wanted).order_by("pk"):
        by_id[family.residence_id] = by_id[family.public_id] = family
        by_name[searchable(family.name)].append(family)
    return [_family_of(person, by_id, by_name) for person in people]


def _family_of(person: Person, by_id: dict[str, Family], by_name: dict[str, list[Family]]) -> Family | None:
    if not person.family:
        person.wrong[FAMILY] = gettext("There is no family in this row.")
        return None
    if person.family in by_id:
        return by_id[person.family]
    found = by_name.get(searchable(person.family), [])
    if len(found) > 1 and person.property:
        place = searchable(person.property)
        found = [one for one in found if one.property and searchable(one.property.name) == place]
    if len(found) == 1:
        return found[0]
    shown = {"name": person.family[:60]}
    if not found:
        words = gettext("No family of yours is called “%(name)s”.") % shown
    else:
        some = ", ".join(map(_placed, found[:_NAMED])) + (" …" if len(found) > _NAMED else "")
        shown |= {"count": str(len(found)), "some": some}
        words = (
            gettext(
                "%(count)s families are called “%(name)s”: %(some)s. Say which by a column with the property or with the "
                "residence ID."
            )
            % shown
        )
    person.wrong[FAMILY] = words
    return None


def _placed(family: Family) -> str:
    return f"{family.name} ({family.property.name if family.property else gettext('in no property')})"


def _members(user: User, families: Sequence[int]) -> dict[tuple[int, str], Member]:
    found = Member.objects.visible_to(user).filter(family__in=families, gone_at=None).exclude(email="")
    some = found.only("public_id", "family_id", "account_id", "email", "auth")
    return {(member.family_id, member.email.strip().casefold()): member for member in some}


def _reaches(families: Sequence[int]) -> tuple[set[int], set[tuple[int, str]]]:
    """The families that something can be sent to now, and the portal's own accounts in them."""
    pairs = Reach.objects.working().filter(family__in=families).values_list("family_id", "account_id")
    ours = set(pairs)
    return {family for family, _account in ours}, ours


def _invited(families: Sequence[int]) -> set[tuple[int, str]]:
    sent = FamilyInvitation.objects.filter(
        family__in=families, accepted_at=None, forgotten_at=None, command__state__in=MAY_HAVE_BEEN_SENT
    )
    return {(family, email.casefold()) for family, email in sent.values_list("family_id", "email")}


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _becomes(now: str, asked: str, rights: dict[str, str]) -> str:
    match now, asked:
        case Rights.GUEST, Rights.USER:
            return gettext("Is a member now, becomes an administrator.")
        case Rights.USER, Rights.GUEST:
            return gettext("Is an administrator now, becomes a member.")
        case _:
            return gettext("Rights now: %(now)s. Becomes: %(asked)s.") % rights
