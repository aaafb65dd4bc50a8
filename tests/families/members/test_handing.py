"""Handing a family over: one command, and what the owner before became is read, not guessed."""

import pytest
from django.core.exceptions import PermissionDenied

from families.models import Change, Rights
from families.services.members.refusals import AlreadyOwner, MemberGone
from portal.audit.models import Command, State
from tests.factories import AuditorFactory, GrantFactory, MemberFactory
from tests.families.members.acting import HAND_OVER, guests, hand_over, rights_upstream

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(family, simulator):
    """The organisation's account, which owns ``family``."""
    return family.members.get(account_id=simulator.sign_in["account_id"])


class TestHandingOver:
    def test_it_is_one_command_and_both_are_read_back(self, simulator, family, own, boss):
        member = guests(family)[0]

        performed = hand_over(boss, member)

        [sent] = simulator.journal(HAND_OVER)
        assert sent["param"] == {"residence_id": family.residence_id, "account_id": member.account_id}
        assert performed.command.state == State.SUCCEEDED
        member.refresh_from_db()
        own.refresh_from_db()
        assert (member.auth, own.auth) == (Rights.ADMIN, Rights.USER)
        # Neither of the two changes came from outside.
        assert not Change.objects.exists()

    def test_what_others_do_at_the_same_time_is_still_told(self, simulator, family, own, boss):
        member = guests(family)[0]
        raised = simulator.event("member", residence_id=family.residence_id, email="third@else.example")
        MemberFactory(
            family=family, account_id=raised["account_id"], email="third@else.example", auth=Rights.GUEST
        )
        simulator.event(
            "member", residence_id=family.residence_id, account_id=raised["account_id"], auth="user"
        )

        hand_over(boss, member)

        assert [
            (change.kind, change.before, change.after)
            for change in Change.objects.exclude(kind="member_renamed")
        ] == [("rights", "guest", "user")]

    def test_a_repeat_of_the_press_sends_nothing_more(self, simulator, family, boss):
        member = guests(family)[0]
        hand_over(boss, member, press="p")

        assert hand_over(boss, member, press="p").is_repeat
        assert len(simulator.journal(HAND_OVER)) == 1

    def test_what_got_no_answer_and_is_so_is_done(self, simulator, family, boss):
        simulator.fault(HAND_OVER, "reset_after")

        assert hand_over(boss, guests(family)[0]).command.state == State.SUCCEEDED

    def test_what_got_no_answer_and_is_not_so_is_unknown(self, simulator, family, boss):
        simulator.fault(HAND_OVER, "reset_before")

        assert hand_over(boss, guests(family)[0]).command.state == State.UNKNOWN

    def test_an_account_that_does_not_own_the_family_is_refused_by_the_door_system(
        self, simulator, owned, boss
    ):
        member = guests(owned)[0]

        performed = hand_over(boss, member)

        assert performed.command.state == State.REFUSED
        assert rights_upstream(simulator, owned)[member.account_id] == "guest"


class TestRefusals:
    @pytest.fixture(autouse=True)
    def _nothing_is_sent(self, simulator):
        yield
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_who_owns_it_already(self, family, own, boss):
        with pytest.raises(AlreadyOwner):
            hand_over(boss, own)

    def test_who_is_gone(self, family, boss):
        member = guests(family)[0]
        family.members.filter(pk=member.pk).update(gone_at=member.last_seen_at)

        with pytest.raises(MemberGone):
            hand_over(boss, member)

    def test_somebody_who_may_not(self, family):
        for person in (AuditorFactory(), GrantFactory(family=family).person):
            with pytest.raises(PermissionDenied):
                hand_over(person, guests(family)[0])
