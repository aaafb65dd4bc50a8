"""What the tests of making passes share."""

from datetime import UTC, datetime, timedelta
from typing import Any

from access.models import TempKey
from access.services.passes import making
from access.services.passes.making import Made, Wish
from families.models import Family
from portal.accounts.models import User
from portal.upstream.client import Client, StaticToken
from tests.plugins.simulator import SimulatorProcess

CREATE = "create_akuvox_open_door_temp_key_config"
STARTS = datetime(2030, 3, 4, 8, tzinfo=UTC)


def make(actor: User, family: Family, *, press: str = "press", **changes: Any) -> Made:
    """A pass for two hours of a day in 2030."""
    wish: dict[str, Any] = {
        "label": "Plumber",
        "visitor_name": "Rui Costa",
        "visitor_email": "rui@visitor.example",
        "note": "Boiler",
        "starts_at": STARTS,
        "ends_at": STARTS + timedelta(hours=2),
        "uses": 5,
    }
    return making.make_pass(actor, family=family, wish=Wish(**wish | changes), press=press)


def sent(simulator: SimulatorProcess) -> list[dict[str, Any]]:
    """What was asked for and carried out."""
    return [row["param"] for row in simulator.journal(CREATE) if row["executed"]]


def upstream(simulator: SimulatorProcess, family: Family) -> list[str]:
    """The digits that are there now."""
    client = Client(simulator.url, StaticToken(simulator.token))
    answer = client.get_akuvox_open_door_temp_key_config(residence_id=family.residence_id)
    return [row.temp_key for row in answer.result]


def asked() -> Any:
    """What was asked for here, whatever came of it."""
    return TempKey.objects.exclude(command=None)
