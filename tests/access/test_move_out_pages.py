"""The pages of move-outs: what will go, the beginning, the record, the list."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import ItemKind, MoveOut, MoveOutItem, MoveOutState
from access.services.moving import advancing
from portal.audit.models import Entry
from portal.web.presses import new_press
from tests.access import moving
from tests.access.moving import begin, household, move_out, states, url
from tests.accounts.signing_in import sign_in_recently
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    FamilyInvitationFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
    UserFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db
HIDDEN = re.compile(r'name="(press|agreed)" value="([^"]*)"')


def create_url(family) -> str:
    return reverse("access:move_out_create", args=[family.public_id])


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the form that begins it."""
    return dict(HIDDEN.findall(page[page.index('id="move-out-plan"') :]))


@pytest.fixture
def home(simulator):
    return household(simulator)


@pytest.fixture
def manager(client: Client):
    person = ManagerFactory(name="Marta Reis")
    sign_in_recently(client, person)
    return person


class TestWhatWillGo:
    def test_the_page_names_everybody_every_pass_and_what_cannot_be_seen(self, client, manager, home):
        person = home.admin_of(home.members[0])
        FamilyInvitationFactory(family=home.family, email="invited@household.example")
        home.simulator.clear_journal()

        page = client.get(create_url(home.family))

        assert page.status_code == 200
        assert "<html" in page.text
        for member in home.members:
            assert member.name in page.text
        assert person.email in page.text
        assert "A pass made elsewhere" in page.text
        assert "The invitation to invited@household.example" in page.text
        assert "Look again until" in page.text
        assert "Gatehouse’s own account" in page.text
        assert home.simulator.journal() == []
        assert not MoveOut.objects.exists()

    def test_the_fragment_shows_what_goes_with_some(self, client, manager, home):
        one = home.members[0]
        page = client.get(create_url(home.family), {"who": "some", "member": one.public_id}, headers=HTMX)
        assert page.status_code == 200
        assert "<html" not in page.text
        assert page.text.lstrip().startswith('<div class="move-out-plan" id="move-out-plan"')
        assert "A pass made elsewhere" not in page.text

    def test_nobody_chosen_says_so(self, client, manager, home):
        page = client.get(create_url(home.family), {"who": "some"})
        assert "Nobody is chosen" in page.text

    def test_names_are_text_whatever_is_in_them(self, client, manager, home):
        MemberFactory(family=home.family, first_name="<b>{{ 7|add:7 }}</b>", last_name="")
        page = client.get(create_url(home.family))
        assert "&lt;b&gt;{{ 7|add:7 }}&lt;/b&gt;" in page.text

    def test_visitors_sign_in_first(self, client, home):
        assert client.get(create_url(home.family)).status_code == 302

    @pytest.mark.parametrize("factory", [AuditorFactory, FamilyAdminFactory])
    def test_only_managers_move_anybody_out(self, client, home, factory):
        person = factory()
        GrantFactory(person=person, family=home.family)
        sign_in_recently(client, person)
        assert client.get(create_url(home.family)).status_code == 403
        assert client.post(create_url(home.family)).status_code == 403

    def test_a_family_of_another_property_is_not_there(self, client, home):
        person = UserFactory(is_limited=True)
        PropertyLimitFactory(person=person, property=PropertyFactory())
        sign_in_recently(client, person)
        assert client.get(create_url(home.family)).status_code == 404
        assert client.post(create_url(home.family), {"typed": home.family.name}).status_code == 404
        assert home.simulator.journal() == []

    def test_a_sign_in_of_long_ago_is_asked_for_again(self, client, home):
        sign_in_recently(client, ManagerFactory(), seconds_ago=3600)
        assert "/account/again/" in client.get(create_url(home.family))["Location"]


class TestBeginning:
    def send(self, client, home, query="", **typed):
        page = client.get(create_url(home.family) + query)
        owner = {"new_owner": f"connection-{home.connection.public_id}"}
        return client.post(
            create_url(home.family),
            {"who": "everybody", "typed": home.family.name, **owner, **fields(page.text)} | typed,
        )

    def test_the_name_typed_moves_everybody_out_and_leads_to_the_record(self, client, manager, home):
        answer = self.send(client, home, reason="Sold")

        one = MoveOut.objects.get()
        assert answer["Location"] == url(one)
        done = advancing.advance(one, seconds=30)
        assert done.state == MoveOutState.ENDED
        assert set(states(done).values()) == {"gone"}
        assert (done.reason, done.made_by) == ("Sold", manager)
        page = client.get(url(done))
        assert "Everything is gone" in page.text
        assert "Sold" in page.text

    @pytest.mark.parametrize("typed", ["", "Somebody else", "  "])
    def test_without_the_name_nothing_is_begun(self, client, manager, home, typed):
        answer = self.send(client, home, typed=typed)
        assert answer.status_code == 422
        assert "name of th" in answer.text
        assert not MoveOut.objects.exists()
        assert home.simulator.journal() == []

    @pytest.mark.parametrize(
        "typed",
        [
            {"next_begins_on": "2020-01-01"},
            {"next_begins_on": "tomorrow"},
            {"reason": "x" * 201},
            {"reason": "a\u202eb"},
            {"press": "forged"},
        ],
        ids=str,
    )
    def test_bad_input_is_said_and_nothing_begun(self, client, manager, home, typed):
        answer = self.send(client, home, **typed)
        assert answer.status_code == 422
        assert not MoveOut.objects.exists()
        assert home.simulator.journal() == []

    def test_an_owner_who_is_not_there_is_refused(self, client, manager, simulator):
        home = household(simulator, auth="user")
        for owner in ("", "member-nobody", f"member-{home.members[0].public_id}"):
            answer = self.send(client, home, new_owner=owner)
            assert answer.status_code == 422
        assert not MoveOut.objects.exists()

    def test_what_changed_meanwhile_is_shown_first(self, client, manager, home):
        page = client.get(create_url(home.family))
        MemberFactory(family=home.family, first_name="New", last_name="Lodger")
        answer = client.post(
            create_url(home.family), {"who": "everybody", "typed": home.family.name, **fields(page.text)}
        )
        assert answer.status_code == 409
        assert "Something changed meanwhile" in answer.text
        assert "New Lodger" in answer.text
        assert not MoveOut.objects.exists()

    def test_a_member_of_another_family_is_a_404(self, client, manager, home):
        stranger = MemberFactory()
        answer = self.send(client, home, who="some", member=stranger.public_id)
        assert answer.status_code == 404
        assert not MoveOut.objects.exists()

    def test_two_at_once_are_one_and_the_second_sees_it(self, client, manager, home):
        page = client.get(create_url(home.family))
        first = begin(home)
        answer = client.post(
            create_url(home.family), {"who": "everybody", "typed": home.family.name, **fields(page.text)}
        )
        assert answer["Location"] == url(first)
        assert client.get(create_url(home.family))["Location"] == url(first)
        assert MoveOut.objects.count() == 1

    def test_the_same_form_twice_begins_one(self, client, manager, home):
        page = client.get(create_url(home.family))
        sent = {"who": "everybody", "typed": home.family.name, **fields(page.text)}
        first = client.post(create_url(home.family), sent)
        advancing.advance(MoveOut.objects.get(), seconds=30)
        FamilyFactory()
        again = client.post(create_url(home.family), sent)
        # Everything has gone: what was agreed to is not there any more.
        assert again.status_code in {302, 409, 422}
        assert MoveOut.objects.count() == 1
        assert len(home.simulator.journal(moving.REMOVE_MANY)) == 1
        assert first.status_code == 302

    def test_without_a_trail_nothing_is_begun(self, client, manager, home):
        page = client.get(create_url(home.family))
        sent = {"who": "everybody", "typed": home.family.name, **fields(page.text)}
        with a_trail_that_refuses():
            answer = client.post(create_url(home.family), sent)
        assert answer.status_code == 503
        assert "the audit trail is not available" in answer.text
        assert not MoveOut.objects.exists()
        assert home.simulator.journal() == []

    def test_with_the_upstream_down_the_page_says_what_is_left(self, client, manager, home):
        home.simulator.fault("*", "reset_before")
        self.send(client, home)
        done = advancing.advance(MoveOut.objects.get(), seconds=30)
        page = client.get(url(done))
        assert page.status_code == 200
        assert "Not everything could be read back" in page.text


class TestTheRecord:
    def test_it_is_dated_and_tells_each_thing_with_the_digest_that_the_trail_holds(
        self, client, manager, home
    ):
        done = move_out(home)
        reading = moving.record(done)

        page = client.get(url(done))

        assert page.status_code == 200
        assert reading.digest in page.text
        assert Entry.objects.get(number=reading.entry).mac in page.text
        assert f"move_out --verify={done.public_id}" in page.text
        assert "data-print hidden" in page.text
        assert page.text.count("status--ok") >= 17
        for member in (item.subject for item in MoveOutItem.objects.filter(kind=ItemKind.MEMBER)):
            assert member in page.text

    def test_while_it_is_under_way_the_page_asks_for_what_is_new(self, client, manager, home):
        one = begin(home)
        page = client.get(url(one))
        assert "Reading people and passes" in page.text
        poll = re.search(r'hx-get="([^"]+version=[^"]+)"', page.text)[1]
        assert client.get(poll, headers=HTMX).status_code == 204
        advancing.advance(one, seconds=30)
        fragment = client.get(poll, headers=HTMX)
        assert fragment.status_code == 200
        assert "<html" not in fragment.text
        assert "Everything is gone" in fragment.text

    def test_looking_again_keeps_the_earlier_record(self, client, manager, home):
        done = move_out(home)
        press = HIDDEN.search(client.get(url(done)).text)[2]
        answer = client.post(url(done, "look"), {"press": press})
        assert answer["Location"] == url(done)
        page = client.get(url(done))
        assert "Record 2" in page.text
        earlier = client.get(url(done) + "?record=1")
        assert done.readings.get(number=1).digest in earlier.text
        assert Entry.objects.latest("number").event == "move_out.checked"
        assert client.get(url(done) + "?record=9").status_code == 404

    def test_a_forged_press_looks_at_nothing(self, client, manager, home):
        done = move_out(home)
        home.simulator.clear_journal()
        client.post(url(done, "look"), {"press": "forged"})
        client.post(url(done, "retry"), {"press": "forged", "attempt": "1"})
        assert home.simulator.journal() == []
        assert done.readings.count() == 1

    @pytest.mark.parametrize("attempt", ["", "-1", "²", "9" * 5_000], ids=["none", "less", "sign", "long"])
    def test_no_number_of_an_attempt_tries_nothing(self, client, manager, home, attempt):
        done = move_out(home)
        press = new_press(manager.pk, f"move-out-again:{done.public_id}")
        home.simulator.clear_journal()

        answer = client.post(url(done, "retry"), {"press": press, "attempt": attempt})

        assert answer.status_code == 302
        assert home.simulator.journal() == []

    def test_an_auditor_reads_and_presses_nothing(self, client, home):
        done = move_out(home)
        client.force_login(AuditorFactory())
        page = client.get(url(done))
        assert page.status_code == 200
        assert "Look again<" not in page.text
        assert client.post(url(done, "look")).status_code == 403
        assert client.post(url(done, "retry")).status_code == 403

    def test_a_family_admin_and_a_manager_of_other_families_do_not_see_it(self, client, home):
        done = move_out(home)
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=home.family, starts_at=timezone.now())
        client.force_login(person)
        assert client.get(url(done)).status_code == 403
        limited = UserFactory(is_limited=True)
        PropertyLimitFactory(person=limited, property=PropertyFactory())
        client.force_login(limited)
        assert client.get(url(done)).status_code == 404

    def test_what_is_left_is_tried_again_by_a_press(self, client, manager, simulator):
        simulator.reset(batches="each")
        home = household(simulator)
        stays = home.members[4]
        simulator.fault(moving.REMOVE_MANY, "refuse", account_id=stays.account_id)
        done = move_out(home)
        simulator.clear_faults()
        page = client.get(url(done))
        assert "1 thing is left" in page.text
        sent = {"press": HIDDEN.search(page.text)[2], "attempt": "1"}

        client.post(url(done, "retry"), sent)
        advancing.advance(done, seconds=30)
        client.post(url(done, "retry"), sent)

        assert len(simulator.journal(moving.REMOVE)) == 1
        assert "Everything is gone" in client.get(url(done)).text
