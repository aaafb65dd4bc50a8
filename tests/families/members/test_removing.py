"""Removing one member: one command, gone at once, and nobody locked out by it."""

import pytest
from django.core.exceptions import PermissionDenied

from families.models import Change, Rights
from families.services.members.refusals import LastAdministrator, MemberGone, OwnAccount, OwnerKept
from portal.audit.models import Command, Entry, State
from tests.factories import AuditorFactory, GrantFactory, MemberFactory
from tests.families.members.acting import REMOVE, guests, remove, rights_upstream

pytestmark = pytest.mark.django_db


class TestRemoving:
    def test_it_is_one_command_and_the_member_is_gone_at_once(self, simulator, family, boss):
        member = guests(family)[0]

        performed = remove(boss, member)

        [sent] = simulator.journal(REMOVE)
        assert sent["param"] == {"residence_id": family.residence_id, "account_id": member.account_id}
        assert performed.command.state == State.SUCCEEDED
        member.refresh_from_db()
        assert member.gone_at is not None
        assert not Change.objects.exists()

    def test_a_grant_tied_to_them_is_suspended(self, simulator, family, boss):
        member = guests(family)[0]
        grant = GrantFactory(family=family, member=member)

        remove(boss, member)

        grant.refresh_from_db()
        assert grant.suspended_at is not None
        assert Entry.objects.filter(event="grant.suspended").exists()

    def test_a_repeat_of_the_press_sends_nothing_more(self, simulator, family, boss):
        member = guests(family)[0]

        remove(boss, member, press="p")
        again = remove(boss, member, press="p")

        assert again.is_repeat
        assert len(simulator.journal(REMOVE)) == 1

    def test_a_member_who_is_gone_already_is_said_by_a_refusal_and_read_back(self, simulator, family, boss):
        member = guests(family)[0]
        simulator.event(
            "member", residence_id=family.residence_id, account_id=member.account_id, removed=True
        )

        performed = remove(boss, member)

        assert performed.command.state == State.REFUSED
        member.refresh_from_db()
        assert member.missing_since is not None

    def test_a_family_admin_removes_below_the_owner(self, simulator, owned):
        member = guests(owned)[0]

        remove(GrantFactory(family=owned).person, member)

        assert member.account_id not in rights_upstream(simulator, owned)


class TestRefusals:
    @pytest.fixture(autouse=True)
    def _nothing_is_sent(self, simulator):
        yield
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_the_owner(self, owned, owner, boss):
        for person in (boss, GrantFactory(family=owned).person):
            with pytest.raises(OwnerKept):
                remove(person, owner)

    def test_the_connections_own_account(self, owned, boss, connection):
        own = owned.members.get(account_id=connection.reaches.get().account_id)

        with pytest.raises(OwnAccount):
            remove(boss, own)

    def test_the_last_who_administers(self, family, boss):
        family.members.exclude(auth=Rights.GUEST).delete()

        with pytest.raises(LastAdministrator):
            remove(boss, MemberFactory(family=family, auth=Rights.USER))

    def test_a_member_who_is_gone(self, family, boss):
        member = guests(family)[0]
        family.members.filter(pk=member.pk).update(gone_at=member.last_seen_at)

        with pytest.raises(MemberGone):
            remove(boss, member)

    def test_somebody_who_may_not(self, family):
        for person in (AuditorFactory(), GrantFactory().person):
            with pytest.raises(PermissionDenied):
                remove(person, guests(family)[0])
