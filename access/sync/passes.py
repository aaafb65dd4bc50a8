"""The passes of families, as the account that acts in each has them; their digits are read and never kept."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db.models import F, Q

from access.models import SINCE_EVER, TempKey
from families.models import Family, Reach
from families.sync.lists import lock_families
from families.sync.members import ANSWERS_UNTIL_GONE, EMPTY_ANSWERS_UNTIL_GONE
from families.sync.readings import Reading
from portal import fingerprints
from portal.audit.models import State
from portal.sealing import key_ring
from portal.upstream import types
from portal.upstream.client import Answer, Client
from portal.upstream.times import parse_time

LONGEST_WINDOW = 140
# So long a list is read often in which something that was asked for may show, or is missing.
READ_AGAIN_SECONDS = 20.0
# A deletion that stands so may have been carried out.
_MAY_HAVE_ACTED = {State.SENT, State.SUCCEEDED, State.UNKNOWN}
_TOLD = ("starts_at", "ends_at", "raw_window", "uses", "sorted_at")


class TempKeys:
    """Keeper of the passes; ``last_seen_at`` is written when one goes missing, as a device's is."""

    state_fields: Sequence[str] = ("told_by",)

    def read(self, client: Client, residence_id: str) -> Answer[list[types.TempKey]]:
        """get_akuvox_open_door_temp_key_config."""
        return client.get_akuvox_open_door_temp_key_config(residence_id=residence_id)

    def prepare(self, reading: Reading) -> None:
        """Nothing."""

    def write(self, readings: Sequence[Reading]) -> Mapping[str, int]:
        """Write the passes of these families as the answers have them; those of other accounts stay as they are."""
        return _Writing(readings).write()


class Whose:
    """An account in a family: whose passes they are, and how their digits are known again without being kept."""

    def __init__(self, family: Family, account_id: str) -> None:
        self._words = (family.residence_id, account_id)

    def fingerprint(self, digits: str) -> str:
        """The fingerprint that is kept of these digits."""
        return fingerprints.fingerprint(*self._words, digits)

    def fingerprints(self, digits: str, key_ids: set[str]) -> set[str]:
        """Those that were kept of them under earlier keys."""
        return fingerprints.fingerprints(*self._words, digits, key_ids=key_ids)

    def match(
        self, rows: Iterable[types.TempKey], kept: Mapping[str, TempKey]
    ) -> list[tuple[types.TempKey, TempKey | None]]:
        """Each row once, with the pass that is known of it; ``kept`` are the known ones by their fingerprints."""
        older = {fingerprints.key_id_of(one) for one in kept} - {fingerprints.newest_key_id()}
        found = []
        seen = set()
        for row in rows:
            if row.temp_key in seen:
                continue
            seen.add(row.temp_key)
            of_row = [self.fingerprint(row.temp_key), *self.fingerprints(row.temp_key, older)]
            found.append((row, next((kept[one] for one in of_row if one in kept), None)))
        return found


def by_fingerprint(keys: Iterable[TempKey]) -> dict[str, TempKey]:
    """The passes by what is kept of their digits; those of which nothing is kept yet are left out."""
    return {key.fingerprint: key for key in keys if key.fingerprint}


def take_over(key: TempKey, row: types.TempKey) -> bool:
    """Take over what an answer says of a pass; whether anything is different. A window that cannot be read, or ends
    before it begins, is kept as it came."""
    before = [getattr(key, name) for name in _TOLD]
    key.starts_at, key.ends_at = parse_time(row.start_time, UTC), parse_time(row.finish_time, UTC)
    key.raw_window = ""
    if key.starts_at is None or key.ends_at is None or key.ends_at < key.starts_at:
        key.starts_at = key.ends_at = None
        key.raw_window = f"{row.start_time} – {row.finish_time}"[:LONGEST_WINDOW]
    key.uses = row.count
    key.sorted_at = key.ends_at or key.at
    return before != [getattr(key, name) for name in _TOLD]


def told_by(reach: Reach) -> str:
    """Whose passes an answer through this reach tells, as the state keeps it."""
    return f"{reach.pk}:{reach.account_id}"


def key_ids_needed() -> set[str]:
    """The keys without which passes that are there could not be found again when their account is asked next."""
    kept = TempKey.objects.filter(
        gone_at=None,
        account_id=F("reach__account_id"),
        reach__gone_at=None,
        reach__connection__removed_at=None,
    ).exclude(fingerprint="")
    return {fingerprints.key_id_of(one) for one in kept.values_list("fingerprint", flat=True).iterator()}


@dataclass
class _Writing:
    """One transaction's answers, and what they come to."""

    readings: Sequence[Reading]
    new: list[TempKey] = field(default_factory=list)
    digits: dict[int, set[str]] = field(default_factory=dict)
    changed: list[TempKey] = field(default_factory=list)

    def write(self) -> Mapping[str, int]:
        families = lock_families([reading.family_id for reading in self.readings])
        through = {reading.connection.pk for reading in self.readings}
        found = Reach.objects.filter(connection__in=through, family__in=list(families), gone_at=None)
        reaches = {(reach.connection_id, reach.family_id): reach for reach in found}
        known: defaultdict[tuple[int, str], list[TempKey]] = defaultdict(list)
        there = TempKey.objects.filter(reach__in=[reach.pk for reach in found], gone_at=None)
        for key in there.exclude(fingerprint="").select_related("deletion"):
            known[(key.reach_id, key.account_id)].append(key)
        for reading in self.readings:
            reach = reaches.get((reading.connection.pk, reading.family_id))
            if reach is None:
                # The account lost the family while it was asked.
                reading.look_again()
                continue
            self._compare(reading, reach, families[reading.family_id], known[(reach.pk, reach.account_id)])
        self._store()
        return {"temp_keys": len(self.new)}

    def _compare(self, reading: Reading, reach: Reach, family: Family, known: Sequence[TempKey]) -> None:
        whose = Whose(family, reach.account_id)
        rows: list[types.TempKey] = reading.answer.result
        matched = whose.match(rows, by_fingerprint(known))
        aside = [f"{len(rows) - len(matched)} passes stand twice"] if len(rows) > len(matched) else []
        seen = set()
        # Before this moment it was not there; of the first list that an account tells whole nobody knows.
        since = SINCE_EVER
        if reading.state.told_by == told_by(reach) and reading.earlier_good_at is not None:
            since = reading.earlier_good_at
        for number, (row, key) in enumerate(matched, 1):
            if key is None:
                key = self._begin(reading, reach, whose, row.temp_key, since)
                take_over(key, row)
            else:
                seen.add(key.pk)
                self._go_on(key, row, whose.fingerprint(row.temp_key))
            if key.raw_window:
                aside.append(f"pass {number}: its window cannot be read")
        reading.set_aside(aside)
        reading.state.told_by = "" if reading.answer.unread else told_by(reach)
        self._count_missing(reading, rows, [key for key in known if key.pk not in seen])

    def _begin(self, reading: Reading, reach: Reach, whose: Whose, digits: str, since: datetime) -> TempKey:
        key = TempKey(
            reach=reach,
            account_id=reach.account_id,
            family_id=reach.family_id,
            fingerprint=whose.fingerprint(digits),
            at=reading.answered_at,
            made_after=since,
            last_seen_at=reading.answered_at,
        )
        self.digits[len(self.new)] = whose.fingerprints(digits, set(key_ring.ids()))
        self.new.append(key)
        return key

    def _go_on(self, key: TempKey, row: types.TempKey, fingerprint: str) -> None:
        is_changed = take_over(key, row)
        if key.fingerprint != fingerprint:
            key.fingerprint, is_changed = fingerprint, True
        if key.missing_answers:
            key.missing_answers, key.missing_since, is_changed = 0, None, True
        if is_changed:
            self.changed.append(key)

    def _count_missing(
        self, reading: Reading, rows: Sequence[types.TempKey], missing: Sequence[TempKey]
    ) -> None:
        """A deletion that we commanded counts at once; else only answers that agree do, and only whole ones."""
        # One that was made while this answer was on its way is missing from it by right.
        missing = [key for key in missing if key.made_after < reading.asked_at]
        if not missing:
            return
        reading.look_again()
        if reading.answer.unread:
            return
        needed = ANSWERS_UNTIL_GONE if rows else EMPTY_ANSWERS_UNTIL_GONE
        for key in missing:
            if key.missing_answers == 0:
                key.missing_since = reading.answered_at
                key.last_seen_at = reading.earlier_good_at or key.last_seen_at
            key.missing_answers += 1
            is_ours = key.deletion is not None and key.deletion.state in _MAY_HAVE_ACTED
            if is_ours or key.missing_answers >= needed:
                key.gone_at = reading.answered_at
            self.changed.append(key)

    def _store(self) -> None:
        self._remember_gone()
        TempKey.objects.bulk_create(self.new)
        fields = [*_TOLD, "fingerprint", "last_seen_at", "missing_answers", "missing_since", "gone_at"]
        TempKey.objects.bulk_update(self.changed, fields, batch_size=100)

    def _remember_gone(self) -> None:
        """What was there before, was gone, and is back, is no younger than it was: only a family admin's eyes ask."""
        young = [(key, self.digits[at]) for at, key in enumerate(self.new) if key.made_after > SINCE_EVER]
        if not young:
            return
        wanted = Q(fingerprint__in=set[str]().union(*(prints for _, prints in young)))
        earlier: dict[str, datetime] = {}
        of_reaches = TempKey.objects.filter(wanted, reach__in={key.reach_id for key, _ in young})
        for print_, since in of_reaches.values_list("fingerprint", "made_after"):
            earlier[print_] = min(since, earlier.get(print_, since))
        for key, prints in young:
            key.made_after = min([key.made_after, *(earlier[one] for one in prints if one in earlier)])
