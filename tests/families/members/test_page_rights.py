"""Rights changed in place: the seven questions, the way back, and what the second of two managers sees."""

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import Grant, Member, Rights
from portal.audit.models import Command, State
from portal.web.presses import new_press
from tests.factories import AuditorFactory, FamilyFactory, GrantFactory, ManagerFactory, MemberFactory
from tests.families.house import HTMX, a_trail_that_refuses, token_in
from tests.families.members.acting import RIGHTS, guests, rights_upstream
from tests.families.members.asking import BOTH, PLAIN, address, send_rights

pytestmark = pytest.mark.django_db


class TestDoing:
    def test_the_table_comes_back_with_the_new_rights_and_the_way_back(self, client, simulator, owned, boss):
        member = guests(owned)[0]

        answer = send_rights(client, boss, member)

        assert answer.status_code == 200
        assert answer["HX-Trigger"] == "member-changed"
        assert '<section class="section family-people" id="family-people"' in answer.text
        assert f"{member.name} is an administrator now." in answer.text
        assert "Undo: make member again" in answer.text
        assert "data-poll" not in answer.text
        assert rights_upstream(simulator, owned)[member.account_id] == "user"

    def test_the_way_back_is_a_press_of_its_own(self, client, simulator, owned, boss):
        member = guests(owned)[0]
        answer = send_rights(client, boss, member)
        undo = answer.text[answer.text.index("member-undo") :]

        back = send_rights(client, boss, member, "guest", was="user", press=token_in(undo))

        assert f"{member.name} is a member now." in back.text
        assert [row["param"]["auth"] for row in simulator.journal(RIGHTS)] == ["user", "guest"]
        assert Command.objects.count() == 2

    def test_without_a_script_one_comes_back_to_the_page_with_the_way_back(self, client, owned, boss):
        member = guests(owned)[0]

        answer = send_rights(client, boss, member, headers=PLAIN)

        assert answer.status_code == 302
        page = client.get(answer["Location"]).text
        assert f"{member.name} is an administrator now." in page
        assert "Undo: make member again" in page

    def test_a_family_admin_may(self, client, simulator, owned):
        member = guests(owned)[0]

        send_rights(client, GrantFactory(family=owned).person, member)

        assert rights_upstream(simulator, owned)[member.account_id] == "user"

    def test_a_look_at_the_address_leads_to_the_page(self, client, simulator, owned, manager):
        answer = client.get(address("member_rights", owned, guests(owned)[0]))

        assert answer["Location"] == address("family_detail", owned)
        assert simulator.journal() == []

    def test_pressed_twice_it_is_sent_once(self, client, simulator, owned, boss):
        member = guests(owned)[0]
        token = new_press(boss.pk, f"rights:{member.public_id}")

        for _ in range(2):
            assert send_rights(client, boss, member, was="guest", press=token).status_code == 200
        assert len(simulator.journal(RIGHTS)) == 1

    def test_what_could_not_be_read_back_is_said_and_waited_for(self, client, simulator, owned, boss):
        simulator.fault("get_family_info", "status", status=500)

        answer = send_rights(client, boss, guests(owned)[0])

        assert answer.status_code == 200
        assert "The list is from before" in answer.text
        assert "data-poll" in answer.text

    def test_a_yes_that_changed_nothing_is_not_called_done(self, client, simulator, owned, boss):
        member = guests(owned)[0]
        simulator.fault(
            RIGHTS, "body", body='{"success": true, "timestamp": 1, "result": {}}', executes=False
        )

        answer = send_rights(client, boss, member)

        assert f"The rights of {member.name} are not as asked for." in answer.text
        assert "reading it again shows no change" in answer.text


class TestRefusing:
    @pytest.mark.parametrize("headers", BOTH, ids=["htmx", "plain"])
    def test_the_second_of_two_managers_sees_what_is_now_true(self, client, simulator, owned, boss, headers):
        member = guests(owned)[0]
        send_rights(client, ManagerFactory(), member)
        simulator.clear_journal()

        answer = send_rights(client, boss, member, "user", was="guest", headers=headers)

        assert answer.status_code == 422
        assert f"{member.name} is an administrator now" in answer.text
        assert "Nothing was sent" in answer.text
        assert ("<html" in answer.text) == (not headers)
        assert simulator.journal() == []

    @pytest.mark.parametrize("auth", ["admin", "", "owner", "user\0"])
    def test_rights_that_nobody_can_be_given(self, client, simulator, owned, boss, auth):
        answer = send_rights(client, boss, guests(owned)[0], auth)

        assert answer.status_code == 422
        assert "handed to another owner" in answer.text
        assert simulator.journal() == []

    def test_the_owner_stays(self, client, simulator, owned, owner, boss):
        for person in (boss, GrantFactory(family=owned).person):
            answer = send_rights(client, person, owner, "guest")
            assert answer.status_code == 422
            assert f"{owner.name} owns the family" in answer.text
        assert simulator.journal() == []

    def test_a_member_who_went_meanwhile_is_said(self, client, simulator, owned, boss):
        member = guests(owned)[0]
        Member.objects.filter(pk=member.pk).update(gone_at=timezone.now())

        answer = send_rights(client, boss, member)

        assert answer.status_code == 422
        assert f"{member.name} is not in this family any more" in answer.text
        assert simulator.journal() == []

    def test_a_forged_press_is_refused(self, client, simulator, owned, boss):
        assert send_rights(client, boss, guests(owned)[0], press="forged").status_code == 422
        assert simulator.journal() == []

    def test_a_refusal_stands_above_the_table_with_the_door_systems_words(
        self, client, simulator, owned, boss
    ):
        simulator.fault(RIGHTS, "refuse", shape=0, words="Not today & not tomorrow")

        answer = send_rights(client, boss, guests(owned)[0])

        assert answer.status_code == 422
        assert "It was refused: “Not today &amp; not tomorrow”" in answer.text
        assert 'id="family-people"' in answer.text


class TestWhoMay:
    def test_nobody_signed_out(self, client, simulator, owned):
        path = address("member_rights", owned, guests(owned)[0])

        assert client.post(path).status_code == 302
        assert client.post(path, headers=HTMX)["HX-Redirect"] == reverse("account_login")
        assert simulator.journal() == []

    def test_an_auditor_may_not(self, client, simulator, owned):
        assert send_rights(client, AuditorFactory(), guests(owned)[0]).status_code == 403
        assert simulator.journal() == []

    def test_a_strangers_family_and_a_member_of_another_are_not_there(self, client, simulator, owned, boss):
        member, other = guests(owned)[0], MemberFactory()
        assert send_rights(client, GrantFactory().person, member).status_code == 404
        client.force_login(boss)
        for family, one in [(owned, other), (FamilyFactory(), member)]:
            assert client.post(address("member_rights", family, one), {"auth": "user"}).status_code == 404
        assert simulator.journal() == []

    def test_a_grant_withdrawn_with_the_page_open_is_gone(self, client, simulator, owned):
        person = GrantFactory(family=owned).person
        Grant.objects.all().delete()

        assert send_rights(client, person, guests(owned)[0]).status_code == 404
        assert simulator.journal() == []


class TestTrouble:
    @pytest.mark.parametrize("headers", BOTH, ids=["htmx", "plain"])
    def test_an_upstream_that_is_off_is_told_and_the_table_stays(
        self, client, simulator, owned, boss, headers
    ):
        simulator.stop()
        member = guests(owned)[0]

        answer = send_rights(client, boss, member, headers=headers)

        assert answer.status_code == 503
        assert "Not sent" in answer.text
        assert ("<html" in answer.text) == (not headers)
        assert ('hx-swap-oob="true"' in answer.text) == bool(headers)
        assert Member.objects.get(pk=member.pk).auth == Rights.GUEST

    def test_when_nobody_can_tell_it_is_called_unknown(self, client, simulator, owned, boss):
        simulator.fault("*", "reset_after")

        answer = send_rights(client, boss, guests(owned)[0])

        assert answer.status_code == 502
        assert "We do not know whether" in answer.text
        assert "notice--unknown" in answer.text
        assert "data-poll" in answer.text
        assert Command.objects.get().state == State.UNKNOWN

    def test_without_a_trail_nothing_is_sent(self, client, simulator, owned, boss):
        client.force_login(boss)
        with a_trail_that_refuses():
            answer = send_rights(client, boss, guests(owned)[0])

        assert answer.status_code == 503
        assert simulator.journal() == []
