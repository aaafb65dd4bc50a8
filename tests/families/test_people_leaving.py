"""A household that is moved out: nobody is given the family meanwhile, and whoever is given it next sees nothing of before."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.test import Client
from django.utils import timezone

from families.models import Family, Grant
from families.services import people
from families.services.people import Term, leaving
from families.services.people.granting import HouseholdLeaving
from portal.accounts.models import Role
from portal.audit.models import Entry
from portal.audit.trail import By
from tests.consoles import run
from tests.factories import (
    AuditorFactory,
    ChangeFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    InvitedFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def by() -> By:
    return By.person(ManagerFactory())


@pytest.fixture
def family() -> Family:
    return FamilyFactory(name="Casa Lima")


def begin_leaving(by: By, family: Family) -> None:
    with transaction.atomic():
        leaving.begin_leaving(by, family)


class TestTheNextHousehold:
    def test_nobody_is_given_the_family_while_a_household_is_moved_out(self, by, family):
        begin_leaving(by, family)

        with pytest.raises(HouseholdLeaving):
            people.begin_grants(by, FamilyAdminFactory(), [family], Term())
        assert not Grant.objects.exists()

    def test_the_form_says_so_beside_the_day(self, client, by, family):
        begin_leaving(by, family)
        person = FamilyAdminFactory()
        client.force_login(by.user)
        answer = client.post(f"/people/{person.public_id}/families/", {"family": [family.public_id]})
        assert answer.status_code == 422
        assert "is being moved out at this moment" in answer.text

    def test_the_command_line_refuses_too(self, by, family):
        begin_leaving(by, family)
        ran = run(
            "adduser", "new@household.example", "--role", "family-admin", "--family", family.residence_id
        )
        assert ran.code == 1
        assert "is being moved out" in ran.err

    def test_a_grant_for_later_begins_at_the_end_at_the_earliest(self, by, family):
        begin_leaving(by, family)
        coming = GrantFactory(family=family, starts_at=timezone.now() + timedelta(milliseconds=1))
        far = GrantFactory(family=family, starts_at=timezone.now() + timedelta(days=3))
        begins = far.starts_at

        ended = leaving.end_leaving(by, family)

        coming.refresh_from_db()
        far.refresh_from_db()
        assert coming.starts_at == ended
        assert far.starts_at == begins
        [entry] = Entry.objects.filter(event="grant.change")
        assert entry.object_id == coming.person.public_id

    def test_the_next_family_admin_sees_nothing_of_before(self, by, family):
        begin_leaving(by, family)
        ChangeFactory(family=family, subject="Old household", kind="joined", before="", after="guest")
        ended = leaving.end_leaving(by, family)
        person = FamilyAdminFactory()

        [grant] = people.begin_grants(by, person, [family], Term())

        assert grant.starts_at >= ended
        theirs = Client()
        theirs.force_login(person)
        page = theirs.get(f"/families/{family.public_id}/changes/")
        assert page.status_code == 200
        assert "Old household" not in page.text

    def test_a_start_before_the_last_household_had_moved_out_is_raised(self, by, family):
        since = timezone.now() + timedelta(hours=1)
        Family.objects.filter(pk=family.pk).update(household_since=since)

        [grant] = people.begin_grants(by, FamilyAdminFactory(), [family], Term())

        assert grant.starts_at == since


class TestTheRight:
    @pytest.mark.parametrize("factory", [AuditorFactory, FamilyAdminFactory])
    def test_only_managers_end_what_others_have(self, family, factory):
        grant = GrantFactory(family=family)
        with pytest.raises(PermissionDenied):
            leaving.end_grant(By.person(factory()), grant)
        grant.refresh_from_db()
        assert grant.ends_at is None

    def test_a_limited_manager_ends_only_what_is_of_their_families(self, family):
        mine = FamilyFactory(property=PropertyFactory())
        manager = UserFactory(role=Role.MANAGER, is_limited=True)
        PropertyLimitFactory(person=manager, property=mine.property)
        person = FamilyAdminFactory()
        here, elsewhere = GrantFactory(person=person, family=mine), GrantFactory(person=person, family=family)
        by = By.person(manager)

        assert leaving.end_grant(by, here)
        with pytest.raises(PermissionDenied):
            leaving.end_grant(by, elsewhere)

        assert list(Grant.objects.now()) == [elsewhere]

    def test_a_grant_that_is_over_ends_once(self, by, family):
        grant = GrantFactory(family=family)
        assert leaving.end_grant(by, grant)
        assert not leaving.end_grant(by, grant)
        assert Entry.objects.filter(event="grant.end").count() == 1

    def test_an_invitation_of_somebody_with_another_family_stays(self, by, family):
        waiting = InvitedFactory(role=Role.FAMILY_ADMIN)
        GrantFactory(person=waiting)
        assert not leaving.take_back_invitation(by, family, waiting)
        waiting.refresh_from_db()
