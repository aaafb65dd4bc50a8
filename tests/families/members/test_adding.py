"""Adding somebody directly: one command, a password that stays nowhere, and no second account by guessing."""

import json

import pytest
from django.core.exceptions import PermissionDenied

from families.models import Change, Member, Rights
from families.services.members.refusals import AlreadyThere, RightsNotGiven
from portal.audit.models import Command, Entry, State
from portal.web.presses import PressInvalid
from tests.factories import AuditorFactory, GrantFactory
from tests.families.members.acting import CREATE, ZOE, create, guests, rights_upstream

pytestmark = pytest.mark.django_db
SECRET = "only-once-0a1b2c"


class TestAdding:
    def test_it_is_one_command_with_just_what_was_given(self, simulator, family, boss):
        performed = create(boss, family, auth="user")

        [sent] = simulator.journal(CREATE)
        assert sent["param"] == {"residence_id": family.residence_id, "auth": "user", **ZOE}
        assert performed.command.state == State.SUCCEEDED
        assert family.members.get(email=ZOE["email"]).auth == Rights.USER
        assert not Change.objects.exists()

    def test_a_first_password_is_sent_and_kept_nowhere(self, simulator, family, boss):
        create(boss, family, password=SECRET)

        [sent] = simulator.journal(CREATE)
        assert sent["param"]["password"] == SECRET
        assert simulator.sign_in_of(ZOE["email"])["password"] == SECRET
        command = Command.objects.get()
        assert command.parameters["has_first_password"] is True
        kept = [json.dumps(command.parameters), command.words]
        for entry in Entry.objects.all():
            kept += [entry.parameters, entry.canonical, entry.words]
        assert not any(SECRET in text for text in kept)

    def test_somebody_with_one_name_has_an_empty_last_name(self, simulator, family, boss):
        create(boss, family, last_name="")

        assert simulator.journal(CREATE)[0]["param"]["last_name"] == ""

    def test_a_repeat_of_the_press_adds_nobody_more(self, simulator, family, boss):
        first, again = (create(boss, family, press="p") for _ in range(2))

        assert (first.is_repeat, again.is_repeat) == (False, True)
        assert len(simulator.journal(CREATE)) == 1
        with pytest.raises(PressInvalid):
            create(boss, family, press="p", first_name="Other")


class TestUnknown:
    def test_who_appears_as_wanted_was_added(self, simulator, family, boss):
        simulator.fault(CREATE, "reset_after")

        performed = create(boss, family)

        assert (performed.command.state, performed.command.error) == (State.SUCCEEDED, "read_back")
        assert family.members.filter(email=ZOE["email"]).exists()

    def test_who_does_not_appear_is_unknown_and_not_called_refused(self, simulator, family, boss):
        simulator.fault(CREATE, "reset_before")

        performed = create(boss, family)

        assert performed.command.state == State.UNKNOWN
        assert len(simulator.journal(CREATE)) == 1

    def test_the_same_address_under_another_name_proves_nothing(self, simulator, family, boss):
        simulator.event("member", residence_id=family.residence_id, email=ZOE["email"])
        simulator.fault(CREATE, "reset_before")

        assert create(boss, family).command.state == State.UNKNOWN


class TestRefusals:
    @pytest.fixture(autouse=True)
    def _nothing_is_sent(self, simulator):
        yield
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_an_address_that_is_there_in_other_capitals(self, family, boss):
        member = guests(family)[0]

        with pytest.raises(AlreadyThere) as refused:
            create(boss, family, email=member.email.upper())
        assert refused.value.members == (member,)
        assert member.email in refused.value.words

    @pytest.mark.parametrize("auth", ["admin", "", "installer"])
    def test_rights_that_nobody_can_be_given(self, family, boss, auth):
        with pytest.raises(RightsNotGiven):
            create(boss, family, auth=auth)

    def test_somebody_who_may_not(self, family):
        for person in (AuditorFactory(), GrantFactory(family=family).person):
            with pytest.raises(PermissionDenied):
                create(person, family)


def test_who_was_there_before_can_be_added_again(simulator, family, boss):
    member = guests(family)[0]
    simulator.event("member", residence_id=family.residence_id, account_id=member.account_id, removed=True)
    Member.objects.filter(pk=member.pk).update(gone_at=member.last_seen_at)

    create(boss, family, email=member.email, first_name=member.first_name, last_name=member.last_name)

    assert member.account_id in rights_upstream(simulator, family)
    assert not Change.objects.exists()
