"""The list of families of one connection, kept in step."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from families.models import Change, Family, Member, Reach, SyncState
from families.sync import states
from families.sync.changes import ChangeKind, Explanations
from families.sync.readings import Reading
from portal.connections.models import Connection
from portal.text import searchable
from portal.upstream.client import Answer, Client
from portal.upstream.types import FamilySummary

# A family that one connection no longer lists is out of its reach after so many answers that agree.
ANSWERS_UNTIL_GONE = 3
# Seven rows each at most: the family, its reach, five states.
NEW_AT_ONCE = 70
LONGEST_ID = 128


class FamilyLists:
    """Keeper of the lists of families.

    A person's own list makes no family and says nothing of one: of those that are known already it notes which
    their account reaches.

    ``last_seen_at`` is written when a family goes missing, from the last answer that had it: as long as it is
    there, the state's ``last_good_at`` says the same, and no row is rewritten for it.
    """

    state_fields: Sequence[str] = ()

    def read(self, client: Client, residence_id: str) -> Answer[list[FamilySummary]]:
        """get_family_list."""
        return client.get_family_list()

    def prepare(self, reading: Reading) -> None:
        """Make the families that are new with their states, some at a time; a kill between leaves whole families."""
        rows, _ = distinct(reading.answer.result)
        lacking = _lacking(reading.connection, rows)
        for some in states.pieces(lacking, NEW_AT_ONCE):
            with transaction.atomic():
                state = SyncState.objects.select_for_update().get(pk=reading.state.pk)
                if state.fence != reading.fence:
                    return
                _make(reading, some)

    def write(self, readings: Sequence[Reading]) -> Mapping[str, int]:
        """Write what is different about the families that are known, and which are missing."""
        counts = {"families": 0, "gone": 0}
        for reading in readings:
            rows, aside = distinct(reading.answer.result)
            reading.set_aside(aside)
            counts["families"] += len(rows)
            if reading.connection.owner_id is None:
                _update(reading, rows)
            else:
                # A family may become known without this list changing.
                reading.look_again()
            Connection.objects.filter(pk=reading.connection.pk).update(families_listed=len(rows))
            may_miss = not reading.answer.unread and not aside
            counts["gone"] += _mark_missing(reading, rows, may_miss=may_miss)
        return counts


def distinct(rows: Sequence[FamilySummary]) -> tuple[dict[str, FamilySummary], list[str]]:
    """The rows by residence, the first where one stands twice, and the names of those set aside."""
    kept: dict[str, FamilySummary] = {}
    aside = []
    for row in rows:
        if len(row.residence_id) > LONGEST_ID or len(row.account_id) > LONGEST_ID:
            aside.append(f"family {row.family_name[:60]!r}: an id is longer than {LONGEST_ID} characters")
        elif row.residence_id in kept:
            aside.append(f"residence {row.residence_id} stands twice, the first was taken")
        else:
            kept[row.residence_id] = row
    return kept, aside


def lock_families(families: Sequence[int]) -> dict[int, Family]:
    """The families, locked until the end of the transaction: members, doors and history of one are written in turn."""
    rows = Family.objects.select_for_update(no_key=True).filter(pk__in=families).order_by("pk")
    return {family.pk: family for family in rows}


def tell_family(
    family: Family, name: str, *, is_online: bool, is_installed: bool, reading: Reading, known: Explanations
) -> tuple[bool, Change | None]:
    """Take over what an answer says of a family; whether that changed anything, and what goes into the changes.

    A name is not taken from an answer that may be older than a command of ours: the next answer decides.
    """
    change = None
    before = (family.name, family.is_online, family.is_installed, family.gone_at)
    if name != family.name:
        if known.is_later_than(ChangeKind.FAMILY_RENAMED, family.pk, reading.asked_at):
            reading.look_again()
        else:
            if not known.explain(ChangeKind.FAMILY_RENAMED, family.pk, name):
                change = Change(
                    family=family,
                    kind=ChangeKind.FAMILY_RENAMED,
                    subject=family.name,
                    before=family.name,
                    after=name,
                    at=reading.answered_at,
                    happened_after=reading.earlier_good_at,
                    happened_by=reading.answered_at,
                )
            family.name, family.search_text = name, searchable(name)
    if is_online != family.is_online:
        family.is_online, family.online_changed_at = is_online, reading.answered_at
    family.is_installed = is_installed
    return before != (family.name, family.is_online, family.is_installed, family.gone_at), change


TOLD_FIELDS = ("name", "search_text", "is_online", "online_changed_at", "is_installed")


def _lacking(connection: Connection, rows: Mapping[str, FamilySummary]) -> list[FamilySummary]:
    """The rows for which something has to be made: the family, its reach or its states; for a person's own list
    the reach of a family that is known."""
    reached = Family.objects.filter(
        Exists(Reach.objects.filter(connection=connection, family=OuterRef("pk")))
    )
    if connection.owner_id is None:
        state = SyncState.objects.filter(family=OuterRef("pk"), kind=states.FAMILY_KINDS[-1])
        whole = _residences(reached.filter(Exists(state)), rows)
        return [row for row in rows.values() if row.residence_id not in whole]
    wanted = _residences(_told_by_the_organisation(), rows) - _residences(reached, rows)
    return [row for row in rows.values() if row.residence_id in wanted]


def _told_by_the_organisation() -> QuerySet[Family]:
    return Family.objects.filter(Exists(Reach.objects.filter(family=OuterRef("pk"), connection__owner=None)))


def _residences(families: QuerySet[Family], rows: Mapping[str, FamilySummary]) -> set[str]:
    """The residences of these rows that are among the families."""
    found: set[str] = set()
    for some in states.pieces(list(rows)):
        found.update(families.filter(residence_id__in=some).values_list("residence_id", flat=True))
    return found


def _make(reading: Reading, rows: Sequence[FamilySummary]) -> None:
    """The families, reaches and states of these rows, as far as they are not there yet."""
    is_own = reading.connection.owner_id is not None
    now = reading.answered_at
    if not is_own:
        Family.objects.bulk_create(
            [
                Family(
                    residence_id=row.residence_id,
                    name=row.family_name,
                    search_text=searchable(row.family_name),
                    is_online=row.online,
                    is_installed=row.installed,
                    first_seen_at=now,
                    last_seen_at=now,
                )
                for row in rows
            ],
            ignore_conflicts=True,
        )
    residences = [row.residence_id for row in rows]
    families = dict(
        Family.objects.filter(residence_id__in=residences).values_list("residence_id", "pk").order_by("pk")
    )
    rights = _known_rights(families.values(), rows)
    Reach.objects.bulk_create(
        [
            Reach(
                connection=reading.connection,
                family_id=families[row.residence_id],
                account_id=row.account_id,
                auth=rights.get((families[row.residence_id], row.account_id), ""),
                first_seen_at=now,
                last_seen_at=now,
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )
    if not is_own:
        states.make_for_families(families.values())


def _known_rights(families: Collection[int], rows: Sequence[FamilySummary]) -> dict[tuple[int, str], str]:
    """What these accounts may do in families whose members were read before; the members' next answer says it anew."""
    accounts = {row.account_id for row in rows}
    members = Member.objects.filter(family__in=list(families), account_id__in=accounts, gone_at=None)
    return {(pk, account): auth for pk, account, auth in members.values_list("family", "account_id", "auth")}


def _update(reading: Reading, rows: Mapping[str, FamilySummary]) -> None:
    families: dict[str, Family] = {}
    for some in states.pieces(list(rows)):
        families |= {family.residence_id: family for family in Family.objects.filter(residence_id__in=some)}
    renamed = [one.pk for one in families.values() if one.name != rows[one.residence_id].family_name]
    explanations = Explanations(renamed)
    changed, changes = [], []
    for residence_id, family in families.items():
        row = rows[residence_id]
        is_changed, change = tell_family(
            family,
            row.family_name,
            is_online=row.online,
            is_installed=row.installed,
            reading=reading,
            known=explanations,
        )
        if family.gone_at is not None:
            family.gone_at, is_changed = None, True
        if is_changed:
            changed.append(family)
        if change:
            changes.append(change)
    changed.sort(key=lambda family: family.pk)
    Family.objects.bulk_update(changed, [*TOLD_FIELDS, "gone_at"], batch_size=200)
    Change.objects.bulk_create(changes)


def _mark_missing(reading: Reading, rows: Mapping[str, FamilySummary], *, may_miss: bool) -> int:
    """Count the answers in which a family was missing; return how many families are gone now.

    Where part of an answer could not be read, what is missing from the rest proves nothing.
    """
    now = reading.answered_at
    changed, gone = [], []
    for reach in Reach.objects.filter(connection=reading.connection).select_related("family").order_by("pk"):
        row = rows.get(reach.family.residence_id)
        if row is not None:
            if reach.missing_answers or reach.gone_at or reach.account_id != row.account_id:
                reach.missing_answers, reach.missing_since, reach.gone_at = 0, None, None
                reach.account_id = row.account_id
                changed.append(reach)
        elif reach.gone_at is None:
            reading.look_again()
            if not may_miss:
                continue
            if reach.missing_answers == 0:
                reach.missing_since = now
                reach.last_seen_at = reading.earlier_good_at or reach.last_seen_at
            reach.missing_answers += 1
            if reach.missing_answers >= ANSWERS_UNTIL_GONE:
                reach.gone_at = now
                gone.append(reach)
            changed.append(reach)
    fields = ["account_id", "missing_answers", "missing_since", "gone_at", "last_seen_at"]
    Reach.objects.bulk_update(changed, fields, batch_size=200)
    return _mark_gone(gone, now) if reading.connection.owner_id is None else 0


def _mark_gone(reaches: Sequence[Reach], now: datetime) -> int:
    """Mark those families gone that no other connection of the organisation reaches either."""
    last_seen = {reach.family_id: reach.last_seen_at for reach in reaches}
    still = Reach.objects.filter(family=OuterRef("pk"), gone_at=None, connection__owner=None)
    count = 0
    for some in states.pieces(sorted(last_seen)):
        families = list(Family.objects.filter(~Exists(still), pk__in=some, gone_at=None))
        for family in families:
            family.gone_at, family.last_seen_at = now, last_seen[family.pk]
        count += Family.objects.bulk_update(families, ["gone_at", "last_seen_at"], batch_size=200)
    return count
