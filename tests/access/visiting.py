"""A pass with a visitor's link, at a family of the stand-in: what the tests of visitors' links share."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from access.models import TempKey, VisitorLink
from access.services.visitors import links
from access.sync.passes import Whose
from families.models import Kind
from portal.accounts.models import GuessLimit, User
from portal.audit.models import Command, Entry
from portal.upstream.client import Client as Upstream
from portal.upstream.client import StaticToken
from tests.access.passing import LIST
from tests.factories import ManagerFactory, PropertyFactory
from tests.plugins.simulator import SimulatorProcess
from tests.syncing import connect, read

CONTACT = "Caretaker Rui, +351 912 345 678, until ten"


@dataclass
class Visited:
    """A pass that works now, of a family in a house in Lisbon; its digits as the stand-in has them."""

    simulator: SimulatorProcess
    key: TempKey
    digits: str
    qr_url: str
    maker: User
    secret: str = ""

    @classmethod
    def of(cls, simulator: SimulatorProcess) -> "Visited":
        simulator.reset(families=3)
        connection = connect(simulator)
        read(connection, Kind.FAMILIES, Kind.MEMBERS, Kind.TEMP_KEYS)
        key = TempKey.objects.exclude(fingerprint="").select_related("family", "reach").order_by("pk")[0]
        place = PropertyFactory(name="Alameda 12", time_zone="Europe/Lisbon", visitor_contact=CONTACT)
        key.family.property = place
        key.family.save()
        maker = ManagerFactory(name="Ana")
        key.label, key.visitor_name, key.visitor_email = "Boiler in 3B", "Plumber Paulo", "paulo@example.org"
        key.made_by = maker
        key.uses = 5
        key.save()
        client = Upstream(simulator.url, StaticToken(simulator.token))
        listed = client.get_akuvox_open_door_temp_key_config(residence_id=key.family.residence_id).result
        whose = Whose(key.family, key.account_id)
        [row] = [one for one in listed if whose.fingerprint(one.temp_key) == key.fingerprint]
        simulator.clear_journal()
        visited = cls(simulator, key, row.temp_key, row.qr_code_url, maker)
        visited.works(hours_ago=1, hours_more=1)
        visited.secret = visited.link().secret
        return visited

    def works(self, *, hours_ago: float, hours_more: float) -> None:
        """Have its window be around now."""
        now = timezone.now()
        self.set(starts_at=now - timedelta(hours=hours_ago), ends_at=now + timedelta(hours=hours_more))

    def set(self, **fields: Any) -> None:
        """Have the pass be so, as a sync would write it."""
        TempKey.objects.filter(pk=self.key.pk).update(**fields)
        self.key.refresh_from_db()

    def link(self, maker: User | None = None, **options: str) -> links.NewLink:
        return links.make_link(maker or self.maker, key=self.key, **options)

    @property
    def row(self) -> VisitorLink:
        return VisitorLink.objects.get(secret_digest=links.digest_of(self.secret))

    @property
    def path(self) -> str:
        return f"/v/{self.secret}/"

    @property
    def grouped(self) -> str:
        """The digits as a page shows them."""
        return " ".join(self.digits[at : at + 4] for at in range(0, len(self.digits), 4))

    def secrets(self) -> list[str]:
        """What must stand nowhere: the digits, plain and in fours, the picture's name, and the link's own secret."""
        picture = self.qr_url.rpartition("/")[2].partition(".png")[0]
        return [self.digits, self.grouped, picture, self.secret]

    def asked(self) -> list[dict[str, Any]]:
        """The lists of passes that the stand-in was asked for."""
        return self.simulator.journal(LIST)

    def press(self, client: Client | None = None, **headers: str) -> Any:
        """Press "Show my code"."""
        return (client or Client()).post(self.path, headers=headers)


def deeds(event: str) -> list[tuple[str, str]]:
    """Phase and outcome of each entry of an event, in their order."""
    return list(Entry.objects.filter(event=event).order_by("number").values_list("phase", "outcome"))


def kept() -> str:
    """All that the database holds where something of a visitor's could stand."""
    models = (Entry, Command, TempKey, VisitorLink, GuessLimit)
    return "\n".join(str(row) for model in models for row in model.objects.values_list())
