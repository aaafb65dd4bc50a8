"""Two at once: the last manager stays, a link lets in one, an address is invited once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.utils import timezone

from families.models import Grant
from families.services import people
from families.services.people import AlreadyThere, Gone, GrantThere, Standing, Term
from portal.accounts import joining
from portal.accounts.joining import InvitationOver
from portal.accounts.models import Invitation, Role, User
from portal.accounts.people import LastManager
from portal.audit.models import Entry
from portal.audit.trail import By
from tests.audit.trails import holds
from tests.factories import PASSWORD, FamilyAdminFactory, FamilyFactory, InvitedFactory, ManagerFactory

pytestmark = pytest.mark.django_db(transaction=True)
AUDITOR = Standing(Role.AUDITOR)


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Do all at the same moment; what each returned or raised."""
    gate = threading.Barrier(len(deeds))

    def do(deed: Callable[[], object]) -> object:
        gate.wait()
        try:
            return deed()
        except Exception as error:
            return error
        finally:
            database.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(do, deeds))


def unlimited() -> int:
    return User.objects.filter(role=Role.MANAGER, is_limited=False, is_active=True).count()


@pytest.mark.parametrize(
    "deed",
    [
        lambda by, person: people.switch_off(by, person),
        lambda by, person: people.change_person(by, person, AUDITOR),
    ],
    ids=["off", "role"],
)
@pytest.mark.parametrize("by_operator", [True, False])
def test_of_two_managers_who_would_both_go_one_stays(deed, by_operator) -> None:
    one, two = ManagerFactory.create_batch(2)
    asking = (By.operator(), By.operator()) if by_operator else (By.person(one), By.person(two))

    outcomes = at_once(lambda: deed(asking[0], two), lambda: deed(asking[1], one))

    assert unlimited() == 1
    refused = [outcome for outcome in outcomes if isinstance(outcome, LastManager | PermissionDenied)]
    assert len(refused) == 1
    assert holds()


def test_ten_at_once_never_leave_nobody() -> None:
    managers = ManagerFactory.create_batch(10)
    at_once(*(lambda person=person: people.switch_off(By.operator(), person) for person in managers))
    assert unlimited() == 1


def test_of_ten_who_follow_one_link_one_joins() -> None:
    person = InvitedFactory()
    invitation, _ = joining.issue(person, sent_by=None)

    outcomes = at_once(
        *(
            lambda number=number: joining.join(
                invitation, name=f"Name {number}", password=PASSWORD, time_zone="UTC"
            )
            for number in range(10)
        )
    )

    joined = [outcome for outcome in outcomes if isinstance(outcome, User)]
    assert len(joined) == 1
    assert sum(isinstance(outcome, InvitationOver) for outcome in outcomes) == 9
    person.refresh_from_db()
    assert person.name == joined[0].name
    assert Entry.objects.filter(event="person.join").count() == 1


def test_who_joins_while_the_invitation_is_taken_back_is_either_in_or_gone() -> None:
    for _ in range(5):
        person = InvitedFactory()
        invitation, _link = joining.issue(person, sent_by=None)
        at_once(
            lambda invitation=invitation: joining.join(
                invitation, name="Ana", password=PASSWORD, time_zone="UTC"
            ),
            lambda person=person: people.revoke_invitation(By.operator(), person),
        )
        found = User.objects.filter(pk=person.pk).first()
        assert found is None or (found.is_active and found.joined_at)


def test_one_address_is_invited_once() -> None:
    by = By.person(ManagerFactory())
    outcomes = at_once(
        *(lambda: people.invite_person(by, "ana@gatehouse.example", AUDITOR) for _ in range(6))
    )
    assert sum(isinstance(outcome, AlreadyThere) for outcome in outcomes) == 5, outcomes
    assert Invitation.objects.count() == 1


def test_one_press_sends_one_link() -> None:
    by, person = By.person(ManagerFactory()), InvitedFactory()
    outcomes = at_once(*(lambda: people.resend_invitation(by, person, press="a-press") for _ in range(6)))
    assert sum(bool(getattr(outcome, "link", "")) for outcome in outcomes) == 1, outcomes
    assert Invitation.objects.count() == 1


def test_a_family_is_given_once() -> None:
    by, person, family = By.operator(), FamilyAdminFactory(), FamilyFactory()
    outcomes = at_once(*(lambda: people.begin_grants(by, person, [family], Term()) for _ in range(6)))
    assert sum(isinstance(outcome, GrantThere) for outcome in outcomes) == 5, outcomes
    assert Grant.objects.count() == 1


class TestWhoAsksAtTheWrongMoment:
    def test_somebody_switched_off_meanwhile(self) -> None:
        by, person = By.person(ManagerFactory()), ManagerFactory()
        User.objects.filter(pk=by.user.pk).update(is_active=False)  # type: ignore[union-attr]
        with pytest.raises(PermissionDenied):
            people.switch_off(by, person)

    def test_somebody_limited_meanwhile(self) -> None:
        by = By.person(ManagerFactory())
        User.objects.filter(pk=by.user.pk).update(is_limited=True)  # type: ignore[union-attr]
        for deed in (
            lambda: people.invite_person(by, "ana@gatehouse.example", AUDITOR),
            lambda: people.change_person(by, ManagerFactory(), AUDITOR),
        ):
            with pytest.raises(PermissionDenied):
                deed()
        assert not Invitation.objects.exists()

    def test_about_somebody_who_is_gone(self) -> None:
        person = InvitedFactory()
        User.objects.filter(pk=person.pk).delete()
        with pytest.raises(Gone):
            people.resend_invitation(By.operator(), person)

    def test_the_last_one_is_kept_by_the_services(self) -> None:
        only = ManagerFactory()
        ManagerFactory(is_limited=True)
        User.objects.filter(pk=ManagerFactory().pk).update(is_active=False, joined_at=timezone.now())
        for deed in (
            lambda: people.switch_off(By.operator(), only),
            lambda: people.change_person(By.operator(), only, AUDITOR),
            lambda: people.change_person(By.operator(), only, Standing(Role.MANAGER, ())),
        ):
            with pytest.raises(LastManager):
                deed()
