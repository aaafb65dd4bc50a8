"""Rights of one member: one command, exactly as the reference has it, and what is true read back."""

import pytest
from django.core.exceptions import PermissionDenied

from families.models import Change, Rights
from families.services.acting import NoConnection
from families.services.members.refusals import (
    LastAdministrator,
    MemberChanged,
    MemberGone,
    NothingToChange,
    OwnAccount,
    OwnerKept,
    RightsNotGiven,
)
from portal.audit.models import Command, Entry, State
from portal.connections.models import Connection
from portal.web.presses import PressInvalid
from tests.audit.trails import holds
from tests.factories import AuditorFactory, GrantFactory, ManagerFactory, MemberFactory
from tests.families.members.acting import RIGHTS, guests, raise_to, rights_upstream

pytestmark = pytest.mark.django_db


class TestChanging:
    def test_it_is_one_command_and_is_read_back(self, simulator, family, boss):
        member = guests(family)[0]

        performed = raise_to(boss, member)

        [sent] = simulator.journal(RIGHTS)
        assert sent["param"] == {
            "residence_id": family.residence_id,
            "account_id": member.account_id,
            "auth": "user",
        }
        assert (performed.command.state, performed.command.command_id) == (State.SUCCEEDED, sent["id"])
        assert len(simulator.journal("get_family_info")) == 1
        member.refresh_from_db()
        assert member.auth == Rights.USER
        assert not Change.objects.exists()
        steps = Entry.objects.filter(event="member.rights").order_by("number")
        assert [step.phase for step in steps] == ["intent", "sent", "outcome"]
        assert (steps[0].object_kind, steps[0].object_id, steps[0].object_name) == (
            "member",
            member.public_id,
            member.name,
        )
        assert holds()

    def test_a_family_admin_makes_somebody_an_administrator(self, simulator, family):
        person = GrantFactory(family=family).person
        member = guests(family)[0]

        raise_to(person, member)

        assert rights_upstream(simulator, family)[member.account_id] == "user"

    def test_a_repeat_of_the_press_sends_nothing_more(self, simulator, family, boss):
        member = guests(family)[0]

        first = raise_to(boss, member, press="p", was="guest")
        second = raise_to(boss, member, press="p", was="guest")

        assert (first.is_repeat, second.is_repeat) == (False, True)
        assert second.command == first.command
        assert len(simulator.journal(RIGHTS)) == 1

    def test_a_repeat_that_asks_for_something_else_is_no_repeat(self, simulator, owned, boss):
        one, other = guests(owned)[:2]
        raise_to(boss, one, press="p")

        for member, auth in [(other, "user"), (one, "guest")]:
            with pytest.raises(PressInvalid):
                raise_to(boss, member, auth, press="p")
        assert len(simulator.journal(RIGHTS)) == 1


class TestRefusals:
    """Each before anything is sent, and without a trace of an intent."""

    @pytest.fixture(autouse=True)
    def _nothing_is_sent(self, simulator):
        yield
        assert simulator.journal() == []
        assert not Command.objects.exists()

    @pytest.mark.parametrize("auth", ["admin", "owner", "", "installer"])
    def test_rights_that_nobody_can_be_given(self, family, boss, auth):
        with pytest.raises(RightsNotGiven) as refused:
            raise_to(boss, guests(family)[0], auth)
        assert "handed to another owner" in refused.value.words

    def test_the_owner(self, owned, owner, boss):
        with pytest.raises(OwnerKept) as refused:
            raise_to(boss, owner, "guest")
        assert refused.value.words.startswith(f"{owner.name} owns the family")

    def test_the_connections_own_account(self, owned, boss, connection):
        own = owned.members.get(account_id=connection.reaches.get().account_id)

        with pytest.raises(OwnAccount) as refused:
            raise_to(boss, own, "guest")
        assert own.name in refused.value.words

    def test_the_last_who_administers(self, family, boss):
        family.members.exclude(auth=Rights.GUEST).delete()
        last = MemberFactory(family=family, auth=Rights.USER)

        with pytest.raises(LastAdministrator) as refused:
            raise_to(boss, last, "guest")
        assert "make somebody else an administrator first" in refused.value.words

    def test_a_member_who_is_gone(self, family, boss):
        member = guests(family)[0]
        family.members.filter(pk=member.pk).update(gone_at=member.last_seen_at)

        with pytest.raises(MemberGone):
            raise_to(boss, member)

    def test_a_member_who_was_changed_meanwhile(self, family, boss):
        member = guests(family)[0]
        family.members.filter(pk=member.pk).update(auth=Rights.USER)

        with pytest.raises(MemberChanged) as refused:
            raise_to(boss, member, "user", was="guest")
        assert f"{member.name} is an administrator now" in refused.value.words

    def test_a_member_who_has_these_rights(self, family, boss):
        with pytest.raises(NothingToChange):
            raise_to(boss, guests(family)[0], "guest")

    def test_somebody_who_may_not(self, family):
        for person in (AuditorFactory(), GrantFactory().person, ManagerFactory(is_active=False)):
            with pytest.raises(PermissionDenied):
                raise_to(person, guests(family)[0])

    def test_no_connection(self, family, boss):
        Connection.objects.update(owner=boss)

        with pytest.raises(NoConnection):
            raise_to(boss, guests(family)[0])


def test_an_owner_counts_as_who_administers(simulator, owned, boss):
    member = guests(owned)[0]
    raise_to(boss, member)
    member.refresh_from_db()

    raise_to(boss, member, "guest")

    assert rights_upstream(simulator, owned)[member.account_id] == "guest"
