"""Random streams of lists of passes: never one twice, gone only when answers agree, none younger than it is."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from access.models import TempKey
from access.sync.passes import TempKeys, Whose
from families.models import Kind, SyncState
from families.sync.readings import Reading, write_together
from portal.audit.models import State
from portal.upstream import wire
from portal.upstream.answers import Answer
from portal.upstream.commands import find_command
from tests.access.passing import LIST, key
from tests.factories import CommandFactory, ReachFactory

pytestmark = pytest.mark.django_db

BEGAN = datetime(2029, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=2)


class World:
    """What there is upstream, what an answer shows of it, and what should be known afterwards."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.there: set[str] = set()
        # Of each, the last answer before it was made.
        self.made_after: dict[str, datetime | None] = {}
        self.known: dict[str, int] = {}
        self.commanded: set[str] = set()
        self.shown: set[str] = set()
        self.at: datetime | None = None

    def turn(self) -> tuple[list[dict[str, object]], bool]:
        """Something happens; the rows of the next answer, and whether all of them can be read."""
        chance = self.chance
        for _ in range(chance.randrange(3)):
            digits = f"9{chance.randrange(12):08d}"
            # Made again, one that was told before is no younger than it was.
            if digits not in self.there | self.shown:
                self.made_after[digits] = self.at
            self.there.add(digits)
        for digits in sorted(self.there):
            if chance.random() < 0.15:
                self.there.discard(digits)
        if chance.random() < 0.05:
            self.there.clear()
        # An answer that forgets what it told before, and rows that cannot be read.
        hidden = {one for one in self.there & self.shown if chance.random() < 0.08}
        odd = {one for one in self.there - hidden if chance.random() < 0.04}
        rows = [key(one, count="many" if one in odd else chance.randrange(9)) for one in self.there - hidden]
        rows += [row for row in rows if chance.random() < 0.1]
        chance.shuffle(rows)
        self.shown |= self.there - hidden - odd
        self._learn(self.there - hidden - odd, is_whole=not odd)
        return rows, not odd

    def _learn(self, answered: set[str], *, is_whole: bool) -> None:
        for digits in answered:
            self.known[digits] = 0
        for digits in set(self.known) - answered if is_whole else ():
            self.known[digits] += 1
            if digits in self.commanded or self.known[digits] >= (2 if answered else 3):
                del self.known[digits]
        self.commanded &= set(self.known)


@pytest.mark.parametrize("seed", range(8))
def test_a_stream_ends_as_the_model_says(seed):
    world = World(seed)
    reach = ReachFactory()
    whose = Whose(reach.family, reach.account_id)
    state = SyncState.objects.create(family=reach.family, kind=Kind.TEMP_KEYS)
    for number in range(30):
        asked_at = BEGAN + number * STEP
        rows, _ = world.turn()
        body = json.dumps({"success": True, "timestamp": 1, "result": rows}).encode()
        answer = Answer(find_command(LIST), "c1", wire.read_envelope(body, strict=False), 200)
        reading = Reading(state, reach.connection, answer, asked_at, asked_at, 0, world.at)
        assert write_together(TempKeys(), [reading]).readings
        world.at = asked_at
        there = list(TempKey.objects.filter(gone_at=None))
        prints = {one.fingerprint: one for one in there}
        assert len(prints) == len(there)
        digits_of = {whose.fingerprint(digits): digits for digits in world.made_after}
        assert {digits_of[one]: row.missing_answers for one, row in prints.items()} == world.known
        for one, row in prints.items():
            bound = world.made_after[digits_of[one]]
            assert bound is None or row.made_after <= bound
            assert row.made_after < asked_at
        for row in there:
            if world.chance.random() < 0.1:
                row.deletion = CommandFactory(state=State.SUCCEEDED)
                row.save(update_fields=["deletion"])
                world.commanded.add(digits_of[row.fingerprint])
    assert TempKey.objects.filter(gone_at__isnull=False).exists()
