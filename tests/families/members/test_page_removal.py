"""The page that asks before a member is removed: what stays is said, and afterwards what is true."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import Member
from portal.audit.models import Command
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyFactory,
    FamilyInvitationFactory,
    GrantFactory,
    MemberFactory,
    ReachFactory,
)
from tests.families.house import HTMX
from tests.families.members.acting import REMOVE, guests, rights_upstream
from tests.families.members.asking import BOTH, PLAIN, address, send_removal

pytestmark = pytest.mark.django_db


class TestAsking:
    @pytest.mark.parametrize("headers", BOTH, ids=["fragment", "page"])
    def test_it_says_what_it_means_and_sends_nothing(self, client, simulator, owned, manager, headers):
        member = guests(owned)[0]

        answer = client.get(address("member_remove", owned, member), headers=headers)

        assert answer.status_code == 200
        assert ("<html" in answer.text) == (not headers)
        assert '<div id="member-remove">' in answer.text
        assert "does not open the family’s doors any more" in answer.text
        assert "Passes that were made stay valid" in answer.text
        assert 'name="press"' in answer.text
        assert simulator.journal() == []

    def test_it_names_what_should_go_too(self, client, owned, manager):
        member = guests(owned)[0]
        tied = GrantFactory(family=owned, member=member, person__name="Tied Person")
        alike = GrantFactory(
            family=owned, person__name="Alike Person", person__email=member.email.strip().lower()
        )
        GrantFactory(
            family=owned,
            person__name="Over Person",
            member=member,
            ends_at=timezone.now() - timedelta(days=1),
        )
        FamilyInvitationFactory(family=owned, email=member.email.upper())
        own = ConnectionFactory(owner=tied.person, name="Own line")
        ReachFactory(family=owned, connection=own, account_id=member.account_id)

        page = client.get(address("member_remove", owned, member)).text

        assert "Tied Person</bdi> looks after this family in Gatehouse as this member" in page
        assert "Alike Person</bdi> has the same address" in page
        assert reverse("families:person_detail", args=[alike.person.public_id]) in page
        assert "Over Person" not in page
        assert "An invitation to the same address" in page
        assert "somebody’s own connection" in page

    def test_a_family_admin_reads_what_leaving_means_and_nothing_of_others(self, client, owned):
        member = guests(owned)[0]
        person = GrantFactory(family=owned, member=member).person
        GrantFactory(family=owned, person__name="Other Person", member=member)
        client.force_login(person)

        page = client.get(address("member_remove", owned, member)).text

        assert "This is you. You leave the family" in page
        assert "Gatehouse shows it to you no longer" in page
        assert "Leave the family</button>" in page
        assert "Other Person" not in page

    def test_the_owner_is_not_offered(self, client, owned, owner, manager):
        page = client.get(address("member_remove", owned, owner)).text

        assert "Hand the family over first" in page
        assert 'name="press"' not in page


class TestRemoving:
    def test_it_leads_back_to_the_family_and_says_so(self, client, simulator, owned, boss):
        member = guests(owned)[0]

        answer = send_removal(client, boss, member)

        assert answer["Location"] == address("family_detail", owned)
        page = client.get(answer["Location"]).text
        assert f"{member.name} is not in the family any more." in page
        assert member.account_id not in rights_upstream(simulator, owned)

    def test_with_a_script_too(self, client, owned, boss):
        answer = send_removal(client, boss, guests(owned)[0], headers=HTMX)

        assert answer["HX-Redirect"] == address("family_detail", owned)

    def test_who_leaves_comes_to_the_families_that_are_left(self, client, owned):
        member = guests(owned)[0]
        person = GrantFactory(family=owned, member=member).person

        answer = send_removal(client, person, member)

        assert answer["Location"] == reverse("families:family_list")
        assert f"{member.name} is not in the family any more." in client.get(answer["Location"]).text
        assert client.get(address("family_detail", owned)).status_code == 404

    def test_the_owner_stays_whoever_asks(self, client, simulator, owned, owner, boss):
        for person in (boss, GrantFactory(family=owned).person):
            answer = send_removal(client, person, owner)
            assert answer.status_code == 422
            assert "owns the family" in answer.text
        assert simulator.journal() == []

    def test_a_forged_press_is_refused(self, client, simulator, owned, boss):
        answer = send_removal(client, boss, guests(owned)[0], press="forged")

        assert answer.status_code == 422
        assert "This page is too old" in answer.text
        assert simulator.journal() == []

    def test_a_member_who_is_gone_is_said(self, client, simulator, owned, boss):
        member = guests(owned)[0]
        Member.objects.filter(pk=member.pk).update(gone_at=timezone.now())

        answer = send_removal(client, boss, member)

        assert answer.status_code == 422
        assert "is not in this family any more" in answer.text
        assert simulator.journal() == []


class TestWhoMay:
    def test_nobody_signed_out(self, client, simulator, owned):
        path = address("member_remove", owned, guests(owned)[0])

        assert client.post(path).status_code == 302
        assert client.post(path, headers=HTMX)["HX-Redirect"] == reverse("account_login")
        assert simulator.journal() == []

    def test_an_auditor_may_not(self, client, simulator, owned):
        client.force_login(AuditorFactory())

        assert client.get(address("member_remove", owned, guests(owned)[0])).status_code == 403
        assert send_removal(client, AuditorFactory(), guests(owned)[0]).status_code == 403
        assert simulator.journal() == []

    def test_a_strangers_family_and_a_member_of_another_are_not_there(self, client, simulator, owned, boss):
        member = guests(owned)[0]
        assert send_removal(client, GrantFactory().person, member).status_code == 404
        client.force_login(boss)
        for family, one in [(owned, MemberFactory()), (FamilyFactory(), member)]:
            for ask in (client.get, client.post):
                assert ask(address("member_remove", family, one)).status_code == 404
        assert simulator.journal() == []


class TestTrouble:
    @pytest.mark.parametrize("headers", BOTH, ids=["htmx", "plain"])
    def test_an_upstream_that_is_off_is_told_beside_the_form(self, client, simulator, owned, boss, headers):
        simulator.stop()

        answer = send_removal(client, boss, guests(owned)[0], headers=headers)

        assert answer.status_code == 503
        assert "Not sent" in answer.text
        assert 'name="press"' in answer.text
        assert ('hx-swap-oob="true"' in answer.text) == bool(headers)

    def test_when_nobody_can_tell_it_is_called_unknown(self, client, simulator, owned, boss):
        simulator.fault("*", "reset_after")

        answer = send_removal(client, boss, guests(owned)[0])

        assert answer.status_code == 502
        assert "We do not know whether" in answer.text

    def test_a_refusal_keeps_the_page_with_the_door_systems_words(self, client, simulator, owned, boss):
        simulator.fault(REMOVE, "refuse", shape=0, words="Not this one")

        answer = send_removal(client, boss, guests(owned)[0], headers=PLAIN)

        assert answer.status_code == 422
        assert "It was refused: “Not this one”" in answer.text
        assert Command.objects.count() == 1
