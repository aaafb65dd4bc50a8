"""A pass that the simulator really has, and handing it over as somebody: what the tests of a pass's page share."""

from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse

from access.models import TempKey
from access.views.passes.mails import purpose_of
from families.models import Family, Kind
from portal.accounts.models import User
from portal.audit.models import Command, Entry
from portal.connections.tokens import StoredTokens
from portal.upstream.client import Client as Upstream
from portal.web.presses import new_press
from tests.access.passing import LIST
from tests.accounts.signing_in import sign_in_recently
from tests.plugins.simulator import SimulatorProcess
from tests.syncing import connect, read


@dataclass
class Given:
    """A pass of a family of the simulator, read by the sync; its digits and its picture's address are the simulator's."""

    simulator: SimulatorProcess
    family: Family
    key: TempKey
    digits: str
    qr_url: str

    @classmethod
    def of(cls, simulator: SimulatorProcess) -> "Given":
        simulator.reset(families=9)
        connection = connect(simulator, name="Riverside office")
        read(connection, Kind.FAMILIES, Kind.MEMBERS, Kind.DEVICES, Kind.TEMP_KEYS)
        family = max(Family.objects.all(), key=lambda one: one.temp_keys.filter(gone_at=None).count())
        upstream = Upstream(connection.base_url, StoredTokens(connection.pk))
        rows = upstream.get_akuvox_open_door_temp_key_config(residence_id=family.residence_id).result
        key = family.temp_keys.order_by("-ends_at", "pk").first()
        assert key is not None
        row = next(one for one in rows if one.finish_time == f"{key.ends_at:%Y-%m-%d %H:%M:%S}")
        simulator.clear_journal()
        return cls(simulator, family, key, row.temp_key, row.qr_code_url)

    @property
    def grouped(self) -> str:
        return " ".join(self.digits[at : at + 4] for at in range(0, len(self.digits), 4))

    def path(self, name: str = "pass_detail") -> str:
        return reverse(f"access:{name}", args=[self.key.public_id])

    def say(self, **words: Any) -> None:
        """Change the row, as a form or the sync would have."""
        TempKey.objects.filter(pk=self.key.pk).update(**words)
        self.key.refresh_from_db()

    def secrets(self) -> list[str]:
        """What must stand nowhere: the digits, plain and in fours, and the picture's name."""
        return [self.digits, self.grouped, self.qr_url.rpartition("/")[2].partition(".png")[0]]

    def asked(self) -> list[tuple[str, dict[str, Any]]]:
        """The commands that arrived; pictures aside."""
        found = [(one["command"], one["param"]) for one in self.simulator.journal()]
        return [one for one in found if one[0] != "pictures"]

    @property
    def one_look(self) -> list[tuple[str, dict[str, Any]]]:
        """The journal after the list was read once."""
        return [(LIST, {"residence_id": self.family.residence_id})]


def post(
    client: Client, person: User, path: str, fields: dict[str, str] | None = None, **headers: str
) -> Any:
    """Send a form as somebody who signed in a moment ago."""
    if "_auth_user_id" not in client.session:
        sign_in_recently(client, person)
    return client.post(path, fields or {}, headers=headers or None)


def mail_fields(given: Given, person: User, **fields: str) -> dict[str, str]:
    """A mail as its form would send it."""
    press = new_press(person.pk, purpose_of(given.key))
    plain = {"to": "rui@visitor.example", "subject": "Your pass", "message": "Hello,", "carries": "none"}
    return {**plain, "press": press, **fields}


def kept() -> str:
    """All that the trail and the commands hold."""
    rows = [*Entry.objects.values_list(), *Command.objects.values_list(), *TempKey.objects.values_list()]
    return "\n".join(str(row) for row in rows)


def deeds(event: str) -> list[tuple[str, str]]:
    """Phase and outcome of each entry of an event, in their order."""
    return list(Entry.objects.filter(event=event).order_by("number").values_list("phase", "outcome"))
