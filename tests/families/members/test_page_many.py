"""Several at once: who is meant is listed and confirmed, and afterwards told one by one."""

import pytest
from django.urls import reverse

from families.models import Member
from portal.web.presses import new_press
from tests.factories import AuditorFactory, GrantFactory, ManagerFactory, MemberFactory
from tests.families.house import HTMX
from tests.families.members.acting import REMOVE_MANY, RIGHTS_OF_MANY, guests, rights_upstream
from tests.families.members.asking import (
    BOTH,
    PLAIN,
    address,
    send_removal_of_many,
    send_rights,
    send_rights_of_many,
)

pytestmark = pytest.mark.django_db
PAGES = ["member_rights_of_many", "member_remove_many"]


def chosen(members):
    return {"auth": "user", "member": [member.public_id for member in members]}


@pytest.mark.parametrize("page", PAGES)
class TestAsking:
    @pytest.mark.parametrize("headers", BOTH, ids=["fragment", "page"])
    def test_it_lists_whom_it_is_about_and_sends_nothing(
        self, client, simulator, owned, manager, page, headers
    ):
        members = guests(owned)[:2]

        answer = client.get(address(page, owned), chosen(members), headers=headers)

        assert answer.status_code == 200
        assert ("<html" in answer.text) == (not headers)
        for member in members:
            assert f"<bdi>{member.name}</bdi>" in answer.text
            assert f'name="member" value="{member.public_id}"' in answer.text
        assert "told one by one" in answer.text
        assert simulator.journal() == []

    def test_nobody_chosen_leads_back_with_a_word(self, client, owned, manager, page):
        answer = client.get(address(page, owned), {"auth": "user"})

        assert answer["Location"] == address("family_detail", owned)
        assert "Choose at least one person" in client.get(answer["Location"]).text

    def test_a_member_of_another_family_is_not_there(self, client, simulator, owned, manager, page):
        members = [guests(owned)[0], MemberFactory()]

        assert client.get(address(page, owned), chosen(members)).status_code == 404
        assert client.post(address(page, owned), chosen(members)).status_code == 404
        assert simulator.journal() == []

    def test_who_may_not_come_here_does_not(self, client, simulator, owned, page):
        path, members = address(page, owned), guests(owned)[:2]
        assert client.post(path, chosen(members)).status_code == 302
        assert client.post(path, headers=HTMX)["HX-Redirect"] == reverse("account_login")
        client.force_login(AuditorFactory())
        assert client.get(path, chosen(members)).status_code == 403
        client.force_login(GrantFactory().person)
        assert client.get(path, chosen(members)).status_code == 404
        assert client.post(path, chosen(members)).status_code == 404
        assert simulator.journal() == []


class TestRights:
    def test_all_done_is_told_for_each_with_the_way_back(self, client, simulator, owned, boss):
        members = guests(owned)[:2]

        answer = send_rights_of_many(client, boss, members)

        assert answer.status_code == 200
        assert "Done for everybody chosen: 2." in answer.text
        assert answer.text.count("Is an administrator now.") == 2
        assert "Give them back what they had" in answer.text
        assert len(simulator.journal(RIGHTS_OF_MANY)) == 1

    def test_rights_that_nobody_can_be_given_send_nothing(self, client, simulator, owned, boss):
        answer = send_rights_of_many(client, boss, guests(owned)[:2], "admin")

        assert answer["Location"] == address("family_detail", owned)
        assert simulator.journal() == []

    @pytest.mark.parametrize("headers", BOTH, ids=["htmx", "plain"])
    def test_the_second_of_two_managers_sees_what_is_now_true(self, client, simulator, owned, boss, headers):
        members = guests(owned)[:2]
        send_rights(client, ManagerFactory(), members[0])
        simulator.clear_journal()

        answer = send_rights_of_many(client, boss, members, "user", headers=headers)

        assert answer.status_code == 422
        assert f"{members[0].name} is an administrator now" in answer.text
        assert f'name="was-{members[0].public_id}" value="user"' in answer.text
        assert simulator.journal() == []

    def test_the_owner_among_them_is_named_and_nothing_sent(self, client, simulator, owned, owner, boss):
        answer = send_rights_of_many(client, boss, [guests(owned)[0], owner])

        assert answer.status_code == 422
        assert f"{owner.name} owns the family" in answer.text
        assert simulator.journal() == []


class TestRemoval:
    def test_a_family_admin_takes_back_the_access_of_several(self, client, simulator, owned):
        members = guests(owned)[:2]

        answer = send_removal_of_many(client, GrantFactory(family=owned).person, members)

        assert answer.status_code == 200
        assert answer.text.count("Is not in the family any more.") == 2
        assert not {one.account_id for one in members} & set(rights_upstream(simulator, owned))

    @pytest.mark.parametrize("headers", BOTH, ids=["htmx", "plain"])
    def test_what_was_done_in_part_is_told_for_each(self, client, simulator, owned, boss, headers):
        simulator.reset(batches="each_silent")
        good, bad = guests(owned)[:2]
        simulator.fault(REMOVE_MANY, "refuse", account_id=bad.account_id)

        answer = send_removal_of_many(client, boss, [good, bad], headers=headers)

        assert answer.status_code == 200
        assert "Done for 1 of 2." in answer.text
        assert "Is not in the family any more." in answer.text
        assert "Is still in the family." in answer.text
        assert "Try again with those left" in answer.text
        assert f'name="member" value="{bad.public_id}"' in answer.text
        assert f'name="member" value="{good.public_id}"' not in answer.text

    def test_what_was_refused_in_part_says_what_the_door_system_said(self, client, simulator, owned, boss):
        simulator.reset(batches="each")
        good, bad = guests(owned)[:2]
        simulator.fault(REMOVE_MANY, "refuse", account_id=bad.account_id, words="Not Ana")

        answer = send_removal_of_many(client, boss, [good, bad])

        assert "Done for 1 of 2." in answer.text

    def test_what_could_not_be_read_is_unknown_for_each_and_not_offered_again(
        self, client, simulator, owned, boss
    ):
        simulator.fault("*", "reset_after")

        answer = send_removal_of_many(client, boss, guests(owned)[:2])

        assert answer.status_code == 502
        assert "We do not know for whom it was done." in answer.text
        assert answer.text.count("could not be read again yet") == 2
        assert "Try again" not in answer.text

    def test_an_upstream_that_is_off_was_not_sent_anything(self, client, simulator, owned, boss):
        simulator.stop()

        answer = send_removal_of_many(client, boss, guests(owned)[:2], headers=PLAIN)

        assert answer.status_code == 503
        assert answer.text.count("Nothing was sent.") == 2
        assert Member.objects.filter(gone_at=None, family=owned).count() == owned.members.count()

    def test_sent_twice_it_is_done_once_and_told_alike(self, client, simulator, owned, boss):
        members = guests(owned)[:2]
        token = new_press(boss.pk, f"remove-many:{owned.public_id}")

        for _ in range(2):
            answer = send_removal_of_many(client, boss, members, press=token)
            assert answer.text.count("Is not in the family any more.") == 2
        assert len(simulator.journal(REMOVE_MANY)) == 1

    def test_who_removes_themselves_comes_to_the_families_that_are_left(self, client, owned):
        members = guests(owned)[:2]
        person = GrantFactory(family=owned, member=members[0]).person

        answer = send_removal_of_many(client, person, members)

        assert f'href="{reverse("families:family_list")}">Back' in answer.text
