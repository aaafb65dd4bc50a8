"""The calls of families: what an answer adds, in one transaction for several families."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from access.history import CallRow, Findings
from access.models import Call
from access.sync import windows
from access.sync.hours import Hours
from families.sync import bulk
from families.sync.lists import lock_families
from families.sync.readings import Reading
from portal.upstream import types
from portal.upstream.client import Answer, Client

_INSERTED = (
    "family_id",
    "raw_time",
    "number",
    "at",
    "is_time_readable",
    "call_name",
    "call_sip",
    "seen_at",
)


class Calls:
    """Keeper of the calls; they are only ever added to, and a name that changed is taken over."""

    state_fields: Sequence[str] = windows.STATE_FIELDS

    def read(self, client: Client, residence_id: str) -> Answer[list[types.CallRow]]:
        """get_akuvox_call_history."""
        return client.get_akuvox_call_history(residence_id=residence_id)

    def prepare(self, reading: Reading) -> None:
        """Nothing."""

    def write(self, readings: Sequence[Reading]) -> Mapping[str, int]:
        """Write the rows that the answers add, the gaps before them, and the hourly counts."""
        lock_families(windows.families_of(readings))
        answered = {reading.family_id: _rows(reading) for reading in readings}
        begun = windows.begun(readings, Call.objects.all())
        stored = _read_stored({pk: answered[pk] for pk in begun})
        found: list[tuple[Reading, Findings[CallRow]]] = []
        new, changed, hours = [], [], Hours()
        for reading in readings:
            family_id = reading.family_id
            findings = windows.find(reading, answered[family_id], stored[family_id])
            found.append((reading, findings))
            for row, number in findings.new:
                at, is_readable = windows.moment_of(reading, row.time)
                new.append(
                    (
                        family_id,
                        row.time,
                        number,
                        at,
                        is_readable,
                        row.name,
                        row.sip,
                        reading.answered_at,
                    )
                )
                hours.add(family_id, at, "calls")
            for pk, row in findings.changed:
                changed.append(Call(pk=pk, call_name=row.name, call_sip=row.sip))
        bulk.insert(Call, _INSERTED, new)
        Call.objects.bulk_update(changed, ["call_name", "call_sip"], batch_size=200)
        windows.store_gaps(found)
        hours.store()
        return {"calls": len(new), "gaps": sum(len(findings.gaps) for _, findings in found)}


def _rows(reading: Reading) -> list[CallRow]:
    rows = []
    aside = []
    for row in reading.answer.result:
        if len(row.call_time) > windows.LONGEST_TIME:
            aside.append(f"a call whose time is longer than {windows.LONGEST_TIME} characters")
            continue
        rows.append(CallRow(time=row.call_time, name=row.call_name, sip=row.call_sip))
    reading.set_aside(aside)
    return rows


def _read_stored(
    answered: Mapping[int, Sequence[CallRow]],
) -> Mapping[int, Mapping[str, Sequence[tuple[int, CallRow]]]]:
    stored: defaultdict[int, defaultdict[str, list[tuple[int, CallRow]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    columns = ("pk", "family", "raw_time", "call_name", "call_sip")
    for pk, family_id, *told in windows.stored_in_same_seconds(Call.objects.values_list(*columns), answered):
        row = CallRow(*told)
        stored[family_id][row.time].append((pk, row))
    return stored
