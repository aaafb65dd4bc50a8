"""What happens by itself in the demo: people come and go, bells ring, a device drops off the network."""

import threading
from datetime import UTC, datetime

from .derive import dice
from .estate import Family
from .events import happen
from .history import HOURS
from .server import Simulator
from .world import World

SLOWEST_SECONDS = 8.0
FASTEST_SECONDS = 3.0


class Live(threading.Thread):
    """An opening every three to eight seconds over all families, faster by day than by night; now and then a call,
    a device that goes off and comes back, an invitation that is accepted."""

    def __init__(self, simulator: Simulator, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.simulator = simulator
        self.stop = stop
        self.random = dice(simulator.world.settings.seed, "live")
        # When each pending invitation will be accepted.
        self.accepts: dict[tuple[str, str], float] = {}

    def run(self) -> None:
        is_over = False
        while not is_over:
            self.step(self.simulator.world)
            is_over = self.stop.wait(self.pause(self.simulator.world.now()))

    def pause(self, now: float) -> float:
        """Seconds until the next opening."""
        busy = HOURS[datetime.fromtimestamp(now, UTC).hour] / max(HOURS)
        middle = SLOWEST_SECONDS - 1 - (SLOWEST_SECONDS - FASTEST_SECONDS - 2) * busy
        return min(SLOWEST_SECONDS, max(FASTEST_SECONDS, middle + self.random.uniform(-1, 1)))

    def step(self, world: World) -> None:
        """One round of life."""
        random, now = self.random, world.now()
        families = [each for each in world.families_of(world.estate.organisation) if each.installed]
        families = [each for each in families if each.doors]
        if not families:
            return
        self.open_somewhere(world, random.choices(families, [_weight(each) for each in families])[0])
        if random.random() < 0.12:
            happen(world, {"kind": "call", "residence_id": random.choice(families).residence_id})
        self.drop_and_return(world, now)
        self.accept_invitations(world, now)

    def open_somewhere(self, world: World, family: Family) -> None:
        """An opening; one in ten is told late by up to four minutes, every third picture comes after its row."""
        random, now = self.random, world.now()
        late = random.uniform(15, 240) if random.random() < 0.1 else 0.0
        event = {
            "kind": "opening",
            "residence_id": family.residence_id,
            "at": int(now),
            "late_seconds": late,
            "picture_after_seconds": random.uniform(2, 25) if random.random() < 0.33 else 0.0,
            "has_picture": random.random() > 0.05,
            "times": 2 if random.random() < 0.015 else 1,
        }
        if random.random() < 0.05:
            event |= {"open_door": False, "account_name": ""}
        happen(world, event)

    def drop_and_return(self, world: World, now: float) -> None:
        for mac, moment in list(world.back_on.items()):
            if moment <= now:
                happen(world, {"kind": "device", "mac": mac, "online": True})
                del world.back_on[mac]
        online = [mac for mac, device in world.estate.devices.items() if device.online]
        if self.random.random() < 0.05 and len(world.back_on) < 3 and online:
            mac = self.random.choice(online)
            happen(world, {"kind": "device", "mac": mac, "online": False})
            world.back_on[mac] = now + self.random.uniform(40, 180)

    def accept_invitations(self, world: World, now: float) -> None:
        """Whoever was invited joins after a minute or so."""
        pending = {
            (family.residence_id, email)
            for family in world.families_of(world.estate.organisation)
            for email in family.invitations
        }
        self.accepts = {key: moment for key, moment in self.accepts.items() if key in pending}
        for residence_id, email in sorted(pending):
            moment = self.accepts.setdefault((residence_id, email), now + self.random.uniform(45, 90))
            if moment <= now:
                happen(world, {"kind": "member", "residence_id": residence_id, "email": email})


def _weight(family: Family) -> int:
    return 1 + len(family.regulars)
