"""The pages that hand a family over and join one: managers only, and said as it was read."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import Kind, SyncState
from portal.audit.models import Command
from portal.web.presses import new_press
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyFactory,
    GrantFactory,
    MemberFactory,
    PropertyLimitFactory,
    SyncStateFactory,
)
from tests.families.house import HTMX
from tests.families.members.acting import HAND_OVER, JOIN, guests
from tests.families.members.asking import BOTH, PLAIN, address, post

pytestmark = pytest.mark.django_db


def hand_over(client, user, family, member, typed=None, *, press="", headers=PLAIN):
    data = {"member": member.public_id, "typed": member.name if typed is None else typed}
    path = address("family_hand_over", family)
    return post(client, user, path, f"hand-over:{family.public_id}", data, press=press, headers=headers)


def join(client, user, connection, residence_id, auth="user", *, press="", headers=PLAIN):
    data = {"residence_id": residence_id, "connection": connection.public_id, "auth": auth}
    return post(client, user, reverse("families:family_join"), "join", data, press=press, headers=headers)


class TestHandingOver:
    @pytest.mark.parametrize("headers", BOTH, ids=["fragment", "page"])
    def test_it_asks_for_one_of_the_others_by_name(self, client, simulator, owned, owner, manager, headers):
        answer = client.get(address("family_hand_over", owned), headers=headers)

        assert ("<html" in answer.text) == (not headers)
        assert f"<bdi>{owner.name}</bdi> owns the family now." in answer.text
        assert "does not say beforehand" in answer.text
        assert f'value="{guests(owned)[0].public_id}"' in answer.text
        assert f'value="{owner.public_id}"' not in answer.text
        assert simulator.journal() == []

    def test_done_it_says_who_owns_it_and_what_the_owner_before_became(self, client, simulator, family, boss):
        before = family.members.get(account_id=simulator.sign_in["account_id"])
        member = guests(family)[0]

        answer = hand_over(client, boss, family, member, f"  {member.name.upper()} ")

        page = client.get(answer["Location"]).text
        assert f"{member.name} owns the family now." in page
        assert f"{before.name}, the owner before, is an administrator now." in page
        assert len(simulator.journal(HAND_OVER)) == 1

    @pytest.mark.parametrize("typed", ["", "Somebody Else", "<b>"])
    def test_another_name_sends_nothing(self, client, simulator, family, boss, typed):
        answer = hand_over(client, boss, family, guests(family)[0], typed, headers=HTMX)

        assert answer.status_code == 422
        assert "name" in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert simulator.journal() == []

    def test_a_member_of_another_family_is_not_there(self, client, simulator, family, boss):
        # A manager of everything sees them: in this family they are nobody.
        assert hand_over(client, boss, family, MemberFactory()).status_code == 422
        assert simulator.journal() == []

    def test_only_managers(self, client, simulator, family):
        for person in (GrantFactory(family=family).person, AuditorFactory()):
            assert hand_over(client, person, family, guests(family)[0]).status_code == 403
        assert hand_over(client, PropertyLimitFactory().person, family, guests(family)[0]).status_code == 404
        client.logout()
        assert client.post(address("family_hand_over", family)).status_code == 302
        assert simulator.journal() == []

    @pytest.mark.parametrize("headers", BOTH, ids=["htmx", "plain"])
    def test_without_an_answer_it_is_unknown(self, client, simulator, family, boss, headers):
        simulator.fault("*", "reset_after")

        answer = hand_over(client, boss, family, guests(family)[0], headers=headers)

        assert answer.status_code == 502
        assert "We do not know whether" in answer.text

    def test_sent_twice_it_is_done_once(self, client, simulator, family, boss):
        member = guests(family)[0]
        token = new_press(boss.pk, f"hand-over:{family.public_id}")
        hand_over(client, boss, family, member, press=token)

        hand_over(client, boss, family, member, press=token)

        assert len(simulator.journal(HAND_OVER)) == 1

    def test_where_nobody_is_there_to_take_it_that_is_said(self, client, manager):
        page = client.get(address("family_hand_over", FamilyFactory())).text

        assert "Nobody is there to hand it to" in page


class TestJoining:
    @pytest.fixture
    def joinable(self, simulator):
        return simulator.estate()["joinable"]["residence_id"]

    @pytest.mark.parametrize("headers", BOTH, ids=["fragment", "page"])
    def test_the_form_is_filled_from_the_page_one_comes_from(
        self, client, simulator, owned, connection, manager, headers
    ):
        ConnectionFactory(owner=manager, name="Somebody’s own")
        query = {"family": owned.public_id, "connection": connection.public_id}

        answer = client.get(reverse("families:family_join"), query, headers=headers)

        assert ("<html" in answer.text) == (not headers)
        assert f'value="{owned.residence_id}"' in answer.text
        assert f'value="{connection.public_id}" selected' in answer.text
        assert "Somebody’s own" not in answer.text
        assert simulator.journal() == []

    def test_done_the_list_is_read_at_once(self, client, simulator, connection, joinable, boss):
        later = timezone.now() + timedelta(minutes=10)
        SyncStateFactory(kind=Kind.FAMILIES, connection=connection, family=None, due_at=later)

        answer = join(client, boss, connection, joinable)

        assert answer["Location"] == reverse("families:family_list")
        assert "is in the family now" in client.get(answer["Location"]).text
        assert SyncState.objects.get(connection=connection).due_at <= timezone.now()

    @pytest.mark.parametrize(
        ("residence_id", "words"),
        [("", "Type the id"), ("two words", "one word"), ("x" * 129, "at most 128"), ("a\u200bb", "U+200B")],
    )
    def test_an_id_that_cannot_be_is_said_beside_the_field(
        self, client, simulator, connection, boss, residence_id, words
    ):
        answer = join(client, boss, connection, residence_id, headers=HTMX)

        assert answer.status_code == 422
        assert words in answer.text
        assert simulator.journal() == []

    def test_a_family_that_it_reaches_is_said(self, client, simulator, family, connection, boss):
        answer = join(client, boss, connection, family.residence_id)

        assert answer.status_code == 422
        assert "is in this family already" in answer.text
        assert simulator.journal() == []

    def test_a_refusal_is_told_with_its_words(self, client, simulator, connection, joinable, boss):
        simulator.fault(JOIN, "refuse", shape=0, words="Ask the owner")

        answer = join(client, boss, connection, joinable)

        assert answer.status_code == 422
        assert "Ask the owner" in answer.text
        assert f'value="{joinable}"' in answer.text

    def test_only_who_manages_everything(self, client, simulator, connection, joinable):
        limited = PropertyLimitFactory().person
        for person in (limited, GrantFactory().person, AuditorFactory()):
            assert join(client, person, connection, joinable).status_code == 403
        client.logout()
        assert client.post(reverse("families:family_join")).status_code == 302
        assert simulator.journal() == []

    def test_an_upstream_that_is_off_keeps_the_form(self, client, simulator, connection, joinable, boss):
        simulator.stop()

        answer = join(client, boss, connection, joinable)

        assert answer.status_code == 503
        assert f'value="{joinable}"' in answer.text
        assert Command.objects.get().state == "not_sent"

    def test_without_a_connection_it_says_how_to_begin(self, client, manager):
        assert "There is no connection yet" in client.get(reverse("families:family_join")).text
