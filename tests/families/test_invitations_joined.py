"""Invitations that are taken up: known by the address of who appears among the members."""

import pytest
from django.utils import timezone

from families.models import Change, Family, Kind
from portal.audit.models import State
from tests.factories import FamilyInvitationFactory
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "Newcomer@else.example"


@pytest.fixture
def connection(simulator):
    simulator.reset(families=2)
    return connect(simulator)


@pytest.fixture
def family(connection):
    read(connection, Kind.FAMILIES, Kind.MEMBERS)
    return Family.objects.order_by("pk").first()


def joins(simulator, connection, family):
    """Somebody of that address joins, and is read."""
    simulator.event("member", residence_id=family.residence_id, email=EMAIL)
    read(connection, Kind.MEMBERS, family=family)


def told():
    return list(Change.objects.filter(kind="joined").values_list("after", flat=True))


@pytest.mark.parametrize("email", [EMAIL, EMAIL.lower(), EMAIL.upper()])
def test_who_was_invited_joins_in_whatever_case_and_that_is_no_change_of_others(
    simulator, connection, family, email
):
    invitation = FamilyInvitationFactory(family=family, email=email)
    elsewhere = FamilyInvitationFactory(email=email)

    joins(simulator, connection, family)

    invitation.refresh_from_db()
    elsewhere.refresh_from_db()
    assert invitation.accepted_at is not None
    assert elsewhere.accepted_at is None
    assert told() == []


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.UNKNOWN])
def test_a_forgotten_one_is_taken_up_all_the_same(simulator, connection, family, state):
    invitation = FamilyInvitationFactory(
        family=family, email=EMAIL, forgotten_at=timezone.now(), command__state=state
    )

    joins(simulator, connection, family)

    invitation.refresh_from_db()
    assert invitation.accepted_at is not None
    assert told() == []


@pytest.mark.parametrize("state", [State.REFUSED, State.NOT_SENT])
def test_one_that_never_went_out_brought_nobody_in(simulator, connection, family, state):
    invitation = FamilyInvitationFactory(family=family, email=EMAIL, command__state=state)

    joins(simulator, connection, family)

    invitation.refresh_from_db()
    assert invitation.accepted_at is None
    assert told() == ["guest"]
