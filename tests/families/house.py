"""A family of the simulator's estate as a sync would have written it, and what the tests of actions share."""

import re
from contextlib import contextmanager

import pytest
from django.db import connection as database

from families.models import Family
from tests.factories import ConnectionFactory, MemberFactory, ReachFactory, SyncStateFactory
from tests.plugins.simulator import SimulatorProcess

HTMX = {"HX-Request": "true"}


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


def token_in(text: str) -> str:
    """The press token of the form in an answer."""
    return re.search(r'name="press" value="([^"]+)"', text)[1]


@contextmanager
def a_trail_that_refuses():
    """The trail takes no entry. Only within a test's transaction, whose end takes the refusal away again."""
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER no_insert BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        else:
            cursor.execute("ALTER TABLE audit_entry ADD CONSTRAINT no_insert CHECK (false) NOT VALID")
    yield
