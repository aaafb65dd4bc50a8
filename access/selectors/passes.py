"""Reads passes: over all families, and in one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import models
from django.db.models import Count, Min, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.models import TempKey
from access.models.passes import TempKeyQuerySet
from families.models import Family, Kind, Member, Reach, SyncState
from portal.accounts.models import User
from portal.audit.models import State
from portal.cursors import beyond, read_cursor, write_cursor
from portal.text import searchable

PAGE_SIZE = 50
# What a member is called by.
_NAMES = ("first_name", "last_name", "account_name", "email")


class PassState(models.TextChoices):
    """Where a pass stands at a moment; the first that fits, in this order."""

    GONE = "gone", _("Gone")
    ASKED = "asked", _("May have been made")
    UNREAD = "unread", _("Window not understood")
    OVER = "over", _("Over")
    USED_UP = "used_up", _("Used up")
    COMING = "coming", _("Coming")
    LIVE = "live", _("Live")


@dataclass(frozen=True)
class PassFilter:
    """What of the passes is shown. ``made``: ``here``, ``elsewhere`` or "" for both."""

    state: str = ""
    property_id: str = ""
    made: str = ""
    text: str = ""
    family: Family | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether some are left out by choice."""
        return bool(self.state or self.property_id or self.made or self.text)


@dataclass(frozen=True)
class PassPage:
    """A page of passes, those that end last first, and the cursors of what is before and after it."""

    rows: list[TempKey]
    before: str
    after: str


@dataclass(frozen=True)
class PassesAsOf:
    """How old the passes are: of the family that was read longest ago, None where one never was."""

    at: datetime | None
    is_late: bool
    not_understood: bool


def list_passes(user: User, chosen: PassFilter, *, before: str = "", after: str = "") -> PassPage:
    """A page of passes, with all that a row shows. One query."""
    found = _narrowed(TempKey.objects.visible_to(user), chosen)
    place = read_cursor("passes", after or before, str, int)
    backwards = bool(before) and not after and place is not None
    if place is not None:
        at = datetime.fromisoformat(place[0])
        found = found.filter(beyond("sorted_at", at, place[1], is_descending=not backwards))
    order = ("sorted_at", "pk") if backwards else ("-sorted_at", "-pk")
    dressed = found.select_related("family__property", "made_by", "command", "deletion")
    rows = list(dressed.order_by(*order)[: PAGE_SIZE + 1])
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if backwards:
        rows.reverse()
    if not rows:
        return PassPage([], "", "")
    # Whoever came here by a cursor came from the other side, where at least one row was.
    has_before = has_more if backwards else place is not None
    has_after = True if backwards else has_more
    first, last = (_cursor(row) for row in (rows[0], rows[-1]))
    return PassPage(rows, first if has_before else "", last if has_after else "")


def find_passes(user: User, ids: Collection[str]) -> list[TempKey]:
    """The passes of these ids that the person may see, by family, those that end last first. One query."""
    found = TempKey.objects.visible_to(user).filter(public_id__in=ids)
    dressed = found.select_related("family__property", "made_by", "command", "deletion")
    return list(dressed.order_by("family__search_text", "family", "-sorted_at", "-pk"))


def state_of(key: TempKey, now: datetime) -> PassState:
    """Where it stands at ``now``."""
    if key.gone_at is not None:
        return PassState.GONE
    if key.is_unmatched:
        return PassState.ASKED
    if key.starts_at is None or key.ends_at is None:
        return PassState.UNREAD
    if key.ends_at <= now:
        return PassState.OVER
    if key.uses is not None and key.uses <= 0:
        return PassState.USED_UP
    return PassState.COMING if key.starts_at > now else PassState.LIVE


def is_deleted_here(key: TempKey) -> bool:
    """Whether it is gone by a deletion of ours, as far as we know."""
    may_have_acted = {State.SENT, State.SUCCEEDED, State.UNKNOWN}
    return key.gone_at is not None and key.deletion is not None and key.deletion.state in may_have_acted


def passes_as_of(user: User, family: Family | None = None) -> PassesAsOf:
    """How old they are over the person's families, or in one. One query."""
    states = SyncState.objects.visible_to(user).filter(kind=Kind.TEMP_KEYS, family__gone_at=None)
    if family is not None:
        states = states.filter(family=family)
    found = states.aggregate(
        oldest=Min("last_good_at"),
        never=Count("pk", filter=Q(last_good_at=None)),
        failing=Count("pk", filter=Q(failures__gt=0)),
        unread=Count("pk", filter=~Q(not_understood="")),
    )
    return PassesAsOf(None if found["never"] else found["oldest"], found["failing"] > 0, found["unread"] > 0)


@dataclass(frozen=True)
class Account:
    """The account whose passes a family's page shows. ``name`` is its member's, "" where none is known."""

    reach: Reach
    name: str

    def has(self, key: TempKey) -> bool:
        """Whether the pass is this account's."""
        return (key.reach_id, key.account_id) == (self.reach.pk, self.reach.account_id)


def find_account(family: Family) -> Account | None:
    """The account that acts in the family, whose passes are read; None where there is none. One query."""
    member = Member.objects.filter(family=OuterRef("family"), account_id=OuterRef("account_id"))
    names = {f"member_{name}": Subquery(member.values(name)[:1]) for name in _NAMES}
    found = Reach.objects.for_acting().filter(family=family).select_related("connection")
    reach = found.annotate(**names).first()
    if reach is None:
        return None
    return Account(reach, Member(**{name: getattr(reach, f"member_{name}") or "" for name in _NAMES}).name)


def _narrowed(found: TempKeyQuerySet, chosen: PassFilter) -> TempKeyQuerySet:
    if chosen.family is not None:
        found = found.filter(family=chosen.family)
    if chosen.state:
        found = found.filter(_in_state(PassState(chosen.state), timezone.now()))
    if chosen.property_id:
        found = found.filter(family__property__public_id=chosen.property_id)
    if chosen.made:
        ours = Q(made_by__isnull=False) | Q(command__isnull=False)
        found = found.filter(ours if chosen.made == "here" else ~ours)
    if chosen.text:
        found = found.filter(search_text__contains=searchable(chosen.text))
    return found


def _in_state(state: PassState, now: datetime) -> Q:
    """The same as ``state_of`` says, asked of the database."""
    is_asked = Q(gone_at=None, fingerprint="")
    is_there = Q(gone_at=None) & ~Q(fingerprint="")
    is_read = is_there & Q(starts_at__isnull=False, ends_at__isnull=False)
    has_time = is_read & Q(ends_at__gt=now)
    has_uses = Q(uses=None) | Q(uses__gt=0)
    return {
        PassState.GONE: Q(gone_at__isnull=False),
        PassState.ASKED: is_asked,
        PassState.UNREAD: is_there & (Q(starts_at=None) | Q(ends_at=None)),
        PassState.OVER: is_read & Q(ends_at__lte=now),
        PassState.USED_UP: has_time & Q(uses__lte=0),
        PassState.COMING: has_time & has_uses & Q(starts_at__gt=now),
        PassState.LIVE: has_time & has_uses & Q(starts_at__lte=now),
    }[state]


def _cursor(row: TempKey) -> str:
    return write_cursor("passes", row.sorted_at.astimezone(UTC).isoformat(), row.pk)
