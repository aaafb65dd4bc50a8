"""Reads people for the pages: the list, one of them, and the families that can be given to them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import Family, Grant, Member, Property, PropertyLimit
from families.scope import grants_not_over, may_manage, visible_people
from families.selectors.scopes import named
from families.selectors.searching import families_matching, names_matching
from families.services.people.standing import first_day, last_day
from portal.accounts.models import Invitation, Role, User
from portal.cursors import page_of

PAGE_SIZE = 50
# What a chooser shows at a time; whoever sees more than this types another letter.
FOUND_AT_ONCE = 20
PAST_GRANTS = 10
WAITING, JOINED, OFF = STATES = ("waiting", "joined", "off")


@dataclass(frozen=True)
class PersonFilter:
    """What the list shows. ``property_id`` is a property's public id, or "" for all."""

    text: str = ""
    role: str = ""
    state: str = ""
    property_id: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether some people are left out by choice."""
        return bool(self.text or self.role or self.state or self.property_id)


@dataclass
class PersonRow:
    """A person with what their row says of them. ``invitation`` is the one that still works, of who has not joined."""

    person: User
    scope: str = ""
    last_seen_at: datetime | None = None
    has_second_factor: bool = False
    invitation: Invitation | None = None

    @property
    def state(self) -> str:
        """Waiting, joined or switched off."""
        if self.person.joined_at is None:
            return WAITING
        return JOINED if self.person.is_active else OFF


@dataclass(frozen=True)
class PersonPage:
    """One page of the list; a cursor is "" where there is nothing in that direction."""

    rows: list[PersonRow]
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class GrantLine:
    """A family given to somebody. ``state``: running, coming, suspended or over. Days are those where the family is.

    ``invited``: those whom the person invited and who look after this family, too, by grants of their own.
    """

    grant: Grant
    state: str
    first_day: date
    last_day: date | None
    invited: tuple[User, ...] = ()

    @property
    def is_live(self) -> bool:
        return self.state != "over"


@dataclass(frozen=True)
class PersonOverview:
    """What the page of one person shows."""

    row: PersonRow
    properties: list[Property]
    grants: list[GrantLine]
    past: list[GrantLine]
    last_sent: Invitation | None
    may_change: bool
    is_self: bool


class Found(NamedTuple):
    """A family that was found, and the members by whom, if it was not by its name."""

    family: Family
    members: str = ""


@dataclass(frozen=True)
class Choice:
    """Families to choose from: those chosen already, and those found by what was typed."""

    chosen: list[Family]
    found: list[Found] = field(default_factory=list)
    text: str = ""
    has_more: bool = False


def list_people(user: User, chosen: PersonFilter, *, before: str = "", after: str = "") -> PersonPage:
    """A page of the people within somebody's reach, by name; a cursor that is not ours begins at the top.

    Six queries, however many people there are.
    """
    found = _narrowed(visible_people(user), chosen)
    people, back, on = page_of(found, "search_text", "people", PAGE_SIZE, before=before, after=after)
    return PersonPage(_rows(people), back, on)


def get_person(user: User, public_id: str) -> User:
    """The person of this id, if ``user`` may see them; raises User.DoesNotExist."""
    return visible_people(user).get(public_id=public_id)


def get_person_overview(user: User, person: User) -> PersonOverview:
    """What the page of one person shows; it was fetched by ``get_person``."""
    lines = [_line(grant) for grant in _grants(user, person)]
    live = [line for line in lines if line.is_live]
    return PersonOverview(
        row=_rows([person])[0],
        properties=list(Property.objects.filter(limits__person=person).order_by("name")),
        grants=_with_invited(user, person, live),
        past=[line for line in lines if not line.is_live][:PAST_GRANTS],
        last_sent=Invitation.objects.filter(person=person)
        .select_related("sent_by")
        .order_by("-sent_at")
        .first(),
        may_change=may_manage(user, person),
        is_self=person.pk == user.pk,
    )


def find_grant(user: User, person: User, family: Family) -> GrantLine | None:
    """The grant of this person for this family that is not over, as ``user`` sees it; None where there is none."""
    found = grants_not_over().filter(person=person, family=family)
    grant = found.select_related("family__property").order_by("-pk").first()
    return _with_invited(user, person, [_line(grant)])[0] if grant else None


def choose_families(user: User, chosen_ids: Sequence[str], text: str) -> Choice:
    """The families that were chosen, and those that ``text`` finds; neither beyond what ``user`` sees. Three queries."""
    families = Family.objects.visible_to(user).filter(gone_at=None).select_related("property")
    chosen = (
        list(families.filter(public_id__in=chosen_ids).order_by("search_text", "pk")) if chosen_ids else []
    )
    if not text.strip():
        return Choice(chosen)
    found = families.filter(families_matching(text)).exclude(public_id__in=chosen_ids)
    shown = list(found.order_by("search_text", "pk")[: FOUND_AT_ONCE + 1])
    names: dict[int, list[str]] = defaultdict(list)
    members = Member.objects.filter(names_matching(text), family__in=[one.pk for one in shown], gone_at=None)
    for member in members.order_by("search_text", "pk"):
        names[member.family_id].append(member.name)
    rows = [Found(one, named(names[one.pk])) for one in shown[:FOUND_AT_ONCE]]
    return Choice(chosen, rows, text, len(shown) > FOUND_AT_ONCE)


def _narrowed(people: QuerySet[User], chosen: PersonFilter) -> QuerySet[User]:
    if chosen.text:
        people = people.filter(names_matching(chosen.text))
    if chosen.role:
        people = people.filter(role=chosen.role)
    if chosen.state == WAITING:
        people = people.filter(joined_at=None)
    elif chosen.state:
        people = people.filter(joined_at__isnull=False, is_active=chosen.state == JOINED)
    if chosen.property_id:
        limits = PropertyLimit.objects.filter(person=OuterRef("pk"), property__public_id=chosen.property_id)
        live = grants_not_over().filter(person=OuterRef("pk"), family__property__public_id=chosen.property_id)
        people = people.filter(Q(Exists(limits)) | Q(Exists(live), role=Role.FAMILY_ADMIN))
    return people


def _rows(people: Sequence[User]) -> list[PersonRow]:
    rows = {person.pk: PersonRow(person, last_seen_at=person.last_login) for person in people}
    names: dict[int, list[str]] = defaultdict(list)
    limits = PropertyLimit.objects.filter(person__in=rows).order_by("property__name")
    for pk, name in limits.values_list("person", "property__name"):
        names[pk].append(name)
    live = grants_not_over().filter(person__in=rows, suspended_at=None)
    for pk, name in live.order_by("family__search_text").values_list("person", "family__name"):
        names[pk].append(name)
    seen = (
        UserSession.objects.filter(user__in=rows).order_by().values_list("user").annotate(Max("last_seen_at"))
    )
    for pk, at in seen:
        rows[pk].last_seen_at = max(filter(None, (at, rows[pk].last_seen_at)))
    factors = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    for pk in factors.filter(user__in=rows).values_list("user", flat=True):
        rows[pk].has_second_factor = True
    for invitation in Invitation.objects.open().filter(
        person__in=[row for row in rows if not rows[row].person.joined_at]
    ):
        # A link that was sent for another role is dead.
        if invitation.role == rows[invitation.person_id].person.role:
            rows[invitation.person_id].invitation = invitation
    for pk, row in rows.items():
        is_everything = not (row.person.is_limited or row.person.is_family_admin)
        row.scope = _("Everything") if is_everything else named(names[pk])
    return list(rows.values())


def _grants(user: User, person: User) -> QuerySet[Grant]:
    # What is over may have been a family that is none of theirs who look.
    mine = Family.objects.visible_to(user)
    found = Grant.objects.filter(person=person, family__in=mine).select_related("family__property")
    return found.order_by("family__search_text", "-starts_at", "pk")


def _with_invited(user: User, person: User, lines: Sequence[GrantLine]) -> list[GrantLine]:
    """The lines with whom the person invited, as far as ``user`` sees them. One query."""
    invited: dict[int, list[User]] = defaultdict(list)
    if lines:
        by_them = Invitation.objects.filter(person=OuterRef("person"), sent_by=person)
        found = grants_not_over().filter(
            Exists(by_them),
            family__in=[line.grant.family_id for line in lines],
            suspended_at=None,
            person__in=visible_people(user),
        )
        for grant in found.select_related("person").order_by("person__search_text", "pk"):
            invited[grant.family_id].append(grant.person)
    return [replace(line, invited=tuple(invited[line.grant.family_id])) for line in lines]


def _line(grant: Grant) -> GrantLine:
    now = timezone.now()
    if grant.ends_at is not None and grant.ends_at <= now:
        state = "over"
    elif grant.suspended_at is not None:
        state = "suspended"
    else:
        state = "coming" if grant.starts_at > now else "running"
    begins = first_day(grant.starts_at, grant.family)
    return GrantLine(grant, state, begins, last_day(grant.ends_at, grant.family) if grant.ends_at else None)
