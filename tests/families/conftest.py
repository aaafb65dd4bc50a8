"""What the tests of families, people and properties begin with."""

import pytest
from django.test import Client

from families.models import Family, Property
from portal.accounts.models import User
from tests.factories import (
    ConnectionFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
    ReachFactory,
    SyncStateFactory,
)
from tests.plugins.simulator import SimulatorProcess


@pytest.fixture
def family(simulator: SimulatorProcess) -> Family:
    """A family that the organisation's connection owns, with its members, in step with the simulator."""
    told = simulator.family(auth="admin", is_gone=False)
    reach = ReachFactory(
        connection=ConnectionFactory(base_url=simulator.url, access_token=simulator.token),
        family__residence_id=told["residence_id"],
        family__name=told["family_name"],
        account_id=simulator.sign_in["account_id"],
    )
    for member in told["members"]:
        MemberFactory(
            family=reach.family,
            account_id=member["account_id"],
            first_name=member["first_name"],
            last_name=member["last_name"],
            email=member["email"],
            auth=member["auth"],
        )
    SyncStateFactory(family=reach.family)
    return reach.family


@pytest.fixture
def manager(client: Client) -> User:
    """Somebody who manages everything, signed in with ``client``."""
    person: User = ManagerFactory(name="Marta Reis")
    client.force_login(person)
    return person


@pytest.fixture
def tower() -> Property:
    return PropertyFactory(name="Tower A", time_zone="Europe/Lisbon")
