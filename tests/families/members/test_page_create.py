"""The page that adds somebody directly: what is typed is checked beside its field, and the password stays nowhere."""

import json

import pytest
from django.urls import reverse

from portal.audit.models import Command
from portal.web.presses import new_press
from tests.factories import AuditorFactory, GrantFactory, PropertyLimitFactory
from tests.families.house import HTMX, token_in
from tests.families.members.acting import CREATE, ZOE, guests
from tests.families.members.asking import BOTH, PLAIN, address, post

pytestmark = pytest.mark.django_db
SECRET = "only-once-0a1b2c"


def send(client, user, family, *, press="", headers=PLAIN, **typed):
    data = {**ZOE, "auth": "guest", "password": "", **typed}
    path = address("member_create", family)
    return post(client, user, path, f"add:{family.public_id}", data, press=press, headers=headers)


class TestForm:
    @pytest.mark.parametrize("headers", BOTH, ids=["fragment", "page"])
    def test_it_is_shown(self, client, simulator, family, manager, headers):
        answer = client.get(address("member_create", family), headers=headers)

        assert ("<html" in answer.text) == (not headers)
        assert '<div id="member-create">' in answer.text
        assert 'type="password"' in answer.text
        assert 'autocomplete="new-password"' in answer.text
        assert simulator.journal() == []

    def test_done_it_leads_to_the_family_and_says_what_to_do(self, client, simulator, family, boss):
        answer = send(client, boss, family, password=SECRET)

        assert answer["Location"] == address("family_detail", family)
        page = client.get(answer["Location"]).text
        assert "Zoë Lima was added as member." in page
        assert "tell it to them yourself" in page
        assert SECRET not in page
        assert simulator.journal(CREATE)[0]["param"]["password"] == SECRET

    def test_with_a_script_too(self, client, family, boss):
        assert send(client, boss, family, headers=HTMX)["HX-Redirect"] == address("family_detail", family)

    @pytest.mark.parametrize(
        ("field", "typed", "words"),
        [
            ("first_name", "", "Type at least a first name"),
            ("first_name", "   ", "spaces alone"),
            ("first_name", "x" * 65, "at most 64 characters; this one has 65"),
            ("first_name", "a\u200bb", "ZERO WIDTH SPACE (U+200B)"),
            ("last_name", "a\u202eb", "RIGHT-TO-LEFT OVERRIDE (U+202E)"),
            ("last_name", " ", "spaces alone"),
            ("last_name", "a\nb", "LINE FEED (U+000A)"),
            ("email", "nobody", "That is no e-mail address"),
            ("email", "a@b.example,c@d.example", "Type one address"),
            ("email", "", "Type the e-mail address"),
            ("auth", "admin", "handed to another owner"),
            ("password", "a\x00b", "NULL (U+0000)"),
            ("password", "x" * 129, "at most 128 characters"),
        ],
    )
    def test_what_cannot_be_is_said_beside_the_field(
        self, client, simulator, family, boss, field, typed, words
    ):
        answer = send(client, boss, family, headers=HTMX, **{field: typed})

        assert answer.status_code == 422
        assert words in answer.text
        assert simulator.journal() == []
        assert not Command.objects.exists()

    @pytest.mark.parametrize("headers", BOTH, ids=["htmx", "plain"])
    def test_a_password_does_not_come_back_with_a_refused_form(
        self, client, simulator, family, boss, headers
    ):
        answer = send(client, boss, family, email="nobody", password=SECRET, headers=headers)

        assert answer.status_code == 422
        assert SECRET not in answer.text
        assert "Type it again: it was not kept." in answer.text
        assert f'value="{ZOE["first_name"]}"' in answer.text
        assert SECRET not in json.dumps(dict(client.session.items()))

    def test_an_address_in_other_capitals_is_warned_about(self, client, simulator, family, boss):
        member = guests(family)[0]

        answer = send(client, boss, family, email=member.email.upper())

        assert answer.status_code == 422
        assert f"{member.name} is in this family already" in answer.text
        assert simulator.journal() == []

    def test_markup_is_sent_and_shown_as_text(self, client, simulator, family, boss):
        answer = send(client, boss, family, first_name="<b>{{ 7 }}</b>")

        assert simulator.journal(CREATE)[0]["param"]["first_name"] == "<b>{{ 7 }}</b>"
        assert "&lt;b&gt;{{ 7 }}&lt;/b&gt; Lima was added" in client.get(answer["Location"]).text

    def test_sent_twice_it_adds_one(self, client, simulator, family, boss):
        token = new_press(boss.pk, f"add:{family.public_id}")

        for _ in range(2):
            assert send(client, boss, family, press=token).status_code == 302
        assert len(simulator.journal(CREATE)) == 1


class TestWhoMay:
    def test_nobody_signed_out(self, client, simulator, family):
        assert client.post(address("member_create", family)).status_code == 302
        answer = client.post(address("member_create", family), headers=HTMX)
        assert answer["HX-Redirect"] == reverse("account_login")
        assert simulator.journal() == []

    def test_family_admins_and_auditors_may_not(self, client, simulator, family):
        for person in (GrantFactory(family=family).person, AuditorFactory()):
            assert send(client, person, family).status_code == 403
        assert simulator.journal() == []

    def test_a_limited_managers_foreign_family_is_not_there(self, client, simulator, family):

        assert send(client, PropertyLimitFactory().person, family).status_code == 404
        assert simulator.journal() == []


class TestTrouble:
    @pytest.mark.parametrize("headers", BOTH, ids=["htmx", "plain"])
    def test_an_upstream_that_is_off_keeps_the_form_without_the_password(
        self, client, simulator, family, boss, headers
    ):
        simulator.stop()

        answer = send(client, boss, family, password=SECRET, headers=headers)

        assert answer.status_code == 503
        assert "Not sent" in answer.text
        assert f'value="{ZOE["email"]}"' in answer.text
        assert SECRET not in answer.text
        assert "Type it again" in answer.text
        assert ('hx-swap-oob="true"' in answer.text) == bool(headers)

    def test_what_may_have_been_done_is_not_offered_again(self, client, simulator, family, boss):
        simulator.fault(CREATE, "reset_before")

        answer = send(client, boss, family)

        assert answer.status_code == 502
        assert "We do not know whether Zoë Lima was added." in answer.text
        assert ZOE["email"] not in answer.text

    def test_a_refusal_keeps_what_was_typed_and_gives_a_fresh_press(self, client, simulator, family, boss):
        simulator.fault(CREATE, "refuse", shape=0, words="The family is full", times=1)

        answer = send(client, boss, family)

        assert answer.status_code == 422
        assert "The family is full" in answer.text
        assert send(client, boss, family, press=token_in(answer.text)).status_code == 302
