"""Families and people for the actions on members."""

import pytest

from families.models import Family, Member, Rights
from portal.accounts.models import User
from portal.connections.models import Connection
from tests.factories import ManagerFactory, MemberFactory
from tests.plugins.simulator import SimulatorProcess


@pytest.fixture
def boss() -> User:
    """Somebody who manages everything, without a browser."""
    person: User = ManagerFactory(name="Marta Reis")
    return person


@pytest.fixture
def connection(family: Family) -> Connection:
    """The organisation's connection that reaches ``family``."""
    return Connection.objects.get(reaches__family=family)


@pytest.fixture
def owned(simulator: SimulatorProcess, family: Family) -> Family:
    """``family``, which somebody of the household owns, and the organisation's account only administers."""
    told = next(
        each
        for each in simulator.estate()["families"]
        if each["auth"] == "user"
        and sorted(member["auth"] for member in each["members"])[:3] == ["admin", "guest", "guest"]
    )
    family.members.all().delete()
    family.residence_id, family.name = told["residence_id"], told["family_name"]
    family.save()
    for member in told["members"]:
        fields = ("account_id", "first_name", "last_name", "email", "auth", "account_name")
        MemberFactory(family=family, **{name: member[name] for name in fields})
    return family


@pytest.fixture
def owner(owned: Family) -> Member:
    """The owner of ``owned``."""
    return owned.members.get(auth=Rights.ADMIN)
