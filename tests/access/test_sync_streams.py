"""Random streams of answers through the database end as the model in memory says."""

import json
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from access.models import Gap, HourlyCount, Opening, OpeningRevision
from access.sync.openings import Openings
from families.models import Kind, SyncState
from families.sync.readings import Reading, write_together
from portal.upstream import wire
from portal.upstream.answers import Answer
from portal.upstream.commands import find_command
from tests.access import history_model
from tests.factories import ReachFactory

pytestmark = pytest.mark.django_db


def answer_of(rows, asked_at):
    told = [
        {
            "open_door": row.is_success,
            "account_name": row.account,
            "device_name": row.device,
            "open_door_type": row.kind,
            "open_door_time": row.time,
            "capture_picture_url": row.picture,
            "capture_thumbnail_url": row.thumbnail,
        }
        for row in rows
    ]
    stamp = round(asked_at.timestamp() * 1000)
    body = json.dumps({"success": True, "timestamp": stamp, "result": told}).encode()
    envelope = wire.read_envelope(body, strict=False)
    return Answer(find_command("get_akuvox_open_door_history"), "c1", envelope, 200)


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_through_the_database_is_as_in_memory(seed, settings, monkeypatch):
    applied = []

    class Recorded(history_model.Tables):
        def apply(self, answer, asked="", **options):
            applied.append((list(answer), asked))
            return super().apply(answer, asked, **options)

    monkeypatch.setattr(history_model, "Tables", Recorded)
    world = history_model.live(seed)
    world.finish()
    settings.HISTORY_LATENESS_SECONDS = 300
    settings.HISTORY_WINDOW_ROWS = world.tables.window_rows or 0
    reach = ReachFactory()
    state = SyncState.objects.create(family=reach.family, kind=Kind.OPENINGS)
    for rows, asked in applied:
        asked_at = datetime.fromisoformat(asked).replace(tzinfo=UTC)
        reading = Reading(state, reach.connection, answer_of(rows, asked_at), asked_at, asked_at, 0, None)
        assert write_together(Openings(), [reading]).readings
    assert len(applied) > 3
    fields = ["account_name", "device_name", "open_door_type", "is_success", "picture_url", "thumbnail_url"]
    assert sorted(
        (
            opening.raw_time,
            opening.number,
            *(str(getattr(opening, field)).partition("?")[0] for field in fields),
        )
        for opening in Opening.objects.all()
    ) == sorted(
        (
            time,
            number,
            *(str(part) for part in (row.account, row.device, row.kind, row.is_success)),
            row.picture,
            row.thumbnail,
        )
        for time, number, row in world.tables.contents()
    )
    assert set(Gap.objects.values_list("raw_after", "raw_before")) == {
        (gap.after, gap.before) for gap in world.tables.gaps
    }
    state.refresh_from_db()
    assert (
        state.window_rows,
        state.answer_oldest,
        state.newest_known,
        state.begins_after,
        state.gap_until,
    ) == world.tables.window
    assert OpeningRevision.objects.count() == sum(len(kept.revisions) for kept in world.tables.rows.values())
    hours = HourlyCount.objects.all()
    assert sum(hour.opened for hour in hours) == Opening.objects.filter(is_success=True).count()
    assert sum(hour.refused for hour in hours) == Opening.objects.filter(is_success=False).count()
    assert state.last_good_at <= timezone.now()
