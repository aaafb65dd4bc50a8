"""The way to a family's own panel: on the trail first, shown once, kept nowhere."""

import json
from html import unescape

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from families.services import remote
from families.services.acting import NoConnection
from families.services.remote import NotAnAddress
from portal.audit.models import Command, Entry
from portal.connections.models import Connection, Health
from tests.accounts.signing_in import sign_in_recently
from tests.audit.trails import holds
from tests.factories import (
    AuditorFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    PropertyLimitFactory,
    ReachFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db(transaction=True)

ASK = "get_family_remote_connect"


def url(family) -> str:
    return reverse("families:panel_open", args=[family.public_id])


def tell(simulator, address, *, is_online=True):
    """From now on this is what the door system answers."""
    result = {"remote_connect_url": address, "online": is_online}
    body = json.dumps({"success": True, "timestamp": 1_700_000_000_000, "result": result})
    simulator.fault(ASK, "body", body=body)


@pytest.fixture
def person(client):
    """A manager who has just shown their password."""
    person = ManagerFactory(name="Marta Reis")
    sign_in_recently(client, person)
    return person


class TestThePage:
    def test_asking_is_one_command_and_shows_the_link(self, client, person, simulator, family):
        answer = client.post(url(family))

        [asked] = simulator.journal(ASK)
        assert asked["param"] == {"residence_id": family.residence_id}
        assert answer.status_code == 200
        link = unescape(answer.text.split('<a class="button button--main" href="')[1].split('"')[0])
        assert link in simulator.canaries()
        assert 'rel="noopener noreferrer"' in answer.text

    def test_it_leaves_nothing_behind(self, client, person, simulator, family):
        answer = client.post(url(family))

        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "no-referrer"
        # A form of such a page could not be sent: it has none.
        assert "<form" not in answer.text
        rows = [*Entry.objects.values(), *Command.objects.values(), *Connection.objects.values()]
        told = [value for value in simulator.canaries() if value.endswith(".my.ecloud.example")]
        assert told
        assert not [value for value in told if value in str(rows) or value in str(dict(client.session))]

    def test_the_trail_says_who_asked_before_it_was_asked(self, client, person, simulator, family):
        client.post(url(family))

        intent, outcome = Entry.objects.filter(event="family.remote_connect").order_by("number")
        assert (intent.phase, intent.actor_name, intent.family_name) == ("intent", "Marta Reis", family.name)
        assert outcome.outcome == "succeeded"
        assert holds()

    def test_its_address_asks_first(self, client, person, simulator, family):
        page = client.get(url(family))

        assert f'<form method="post" action="{url(family)}">' in page.text
        assert simulator.journal() == []
        # Its form is taken: the browser sends its Referer along.
        assert page["Referrer-Policy"] == "same-origin"

    def test_the_familys_page_opens_it_in_a_new_tab_by_a_form(self, client, person, family):
        page = client.get(reverse("families:family_detail", args=[family.public_id])).text

        assert f'<form method="post" action="{url(family)}" target="_blank" rel="noopener">' in page

    def test_htmx_asks_no_differently(self, client, person, simulator, family):
        assert client.post(url(family), headers=HTMX).status_code == 200
        assert len(simulator.journal(ASK)) == 1


class TestWhoMay:
    def test_nobody_without_signing_in(self, client, simulator, family):
        assert client.post(url(family))["Location"].startswith(reverse("account_login"))
        assert client.get(url(family), headers=HTMX)["HX-Redirect"] == reverse("account_login")
        assert simulator.journal() == []

    def test_a_sign_in_of_long_ago_is_not_enough_and_leads_back_here(self, client, simulator, family):
        sign_in_recently(client, ManagerFactory(), seconds_ago=302)

        answer = client.post(url(family))

        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_reauthenticate"))
        assert f"next={url(family).replace('/', '%2F')}" in answer["Location"]
        assert simulator.journal() == []

    @pytest.mark.parametrize("role", ["auditor", "family admin"])
    def test_only_managers(self, client, simulator, family, role):
        user = AuditorFactory() if role == "auditor" else GrantFactory(family=family).person
        sign_in_recently(client, user)

        assert client.get(url(family)).status_code == 403
        assert client.post(url(family)).status_code == 403
        assert url(family) not in client.get(reverse("families:family_detail", args=[family.public_id])).text
        with pytest.raises(PermissionDenied):
            remote.ask_for_panel(user, family=family)
        assert simulator.journal() == []

    def test_a_family_of_others_is_a_404(self, client, simulator, family):
        sign_in_recently(client, PropertyLimitFactory().person)

        assert client.get(url(family)).status_code == 404
        assert client.post(url(family)).status_code == 404
        assert client.post("/families/nobody/panel/").status_code == 404
        assert simulator.journal() == []

    def test_a_form_of_elsewhere_is_not_taken(self, simulator, family):
        from django.test import Client

        strict = Client(enforce_csrf_checks=True)
        sign_in_recently(strict, ManagerFactory())

        assert strict.post(url(family)).status_code == 403
        assert simulator.journal() == []


class TestStates:
    def test_an_offline_family_says_so_and_still_leads_there(self, client, person, simulator, family):
        tell(simulator, "https://panel.example/x", is_online=False)

        page = client.post(url(family)).text

        assert "This family is offline" in page
        assert 'href="https://panel.example/x"' in page

    def test_a_way_that_is_not_encrypted_is_warned_of(self, client, person, simulator, family):
        tell(simulator, "http://panel.example:8080/x")

        page = client.post(url(family)).text

        assert "not encrypted" in page
        assert "panel.example:8080" in page

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("javascript:alert(1)", "“javascript:”"),
            ("JaVaScRiPt://panel.example/%0aalert(1)", "“javascript:”"),
            ("data:text/html,x", "“data:”"),
            ("ftp://panel.example", "“ftp:”"),
            ("https:/panel.example", "“https:”"),
            ("https:\\\\panel.example", "“https:”"),
            ("https://panel.example\\@elsewhere.example", "“https:”"),
            ("https://user:word@panel.example", "“https:”"),
            ("https://", "“https:”"),
            ("https://panel.example:99999", "“https:”"),
            ("https://[panel", "“https:”"),
            ("https://pan\nel.example", "“https:”"),
            ("https://panel.example/" + "x" * 2000, "“https:”"),
            (" https://panel.example", "“https:”"),
            ("//panel.example", "named no panel"),
            ("panel", "named no panel"),
            ("", "named no panel"),
        ],
    )
    def test_what_no_browser_may_be_sent_to_is_not_opened(
        self, client, person, simulator, family, address, said
    ):
        tell(simulator, address)

        answer = client.post(url(family))

        assert answer.status_code == 502
        assert said in answer.text
        assert "Go to the panel" not in answer.text
        assert "elsewhere.example" not in answer.text

    @pytest.mark.parametrize(
        ("fault", "status", "words"),
        [
            ({"kind": "refuse", "words": "Not for this account", "shape": 0}, 502, "Not for this account"),
            ({"kind": "busy", "seconds": 60}, 503, "The door system is busy."),
            ({"kind": "html"}, 503, "The door system does not answer."),
            ({"kind": "wrong_type"}, 502, "We do not know where the panel is."),
            ({"kind": "hang", "seconds": 10}, 502, "We do not know where the panel is."),
        ],
        ids=["refused", "busy", "html", "wrong type", "hangs"],
    )
    def test_trouble_is_named_and_nothing_is_opened(
        self, client, person, simulator, family, settings, fault, status, words
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 3.0
        simulator.fault(ASK, **fault)

        answer = client.post(url(family))

        assert (answer.status_code, "Go to the panel" in answer.text) == (status, False)
        assert words in answer.text
        assert answer["Referrer-Policy"] == "no-referrer"

    def test_an_upstream_that_is_switched_off(self, client, person, simulator, family):
        simulator.stop()

        answer = client.post(url(family))

        assert answer.status_code == 503
        assert "The door system does not answer." in answer.text
        simulator.start()

    @pytest.mark.parametrize(
        "state", [{"paused_at": timezone.now()}, {"health": Health.SIGNED_OUT}], ids=["paused", "signed out"]
    )
    def test_without_a_connection_nothing_is_asked(self, client, person, simulator, family, state):
        Connection.objects.update(**state)

        answer = client.post(url(family))

        assert answer.status_code == 503
        assert "no connection reaches this family" in answer.text
        assert simulator.journal() == []

    def test_without_a_trail_nothing_is_asked(self, client, person, simulator, family):
        with a_trail_that_refuses():
            answer = client.post(url(family))

        assert answer.status_code == 503
        assert "the audit trail is not available" in answer.text
        assert simulator.journal() == []

    def test_a_family_that_is_gone_has_none(self, client, person, simulator, family):
        family.gone_at = timezone.now()
        family.save()

        assert client.post(url(family)).status_code == 503
        assert simulator.journal() == []

    def test_markup_in_the_name_and_in_the_words_is_text(self, client, person, simulator, family):
        family.name = "<b>{{ 7 }}</b>"
        family.save()
        simulator.fault(ASK, "refuse", words="<script>alert(1)</script>", shape=0)

        page = client.post(url(family)).text

        assert "&lt;b&gt;{{ 7 }}&lt;/b&gt;" in page
        assert "<script>alert" not in page


class TestTheService:
    def test_a_panel_does_not_print_its_address(self, simulator, family):
        panel = remote.ask_for_panel(ManagerFactory(), family=family)

        assert panel.address.startswith("https://")
        assert panel.address not in repr(panel)
        assert panel.host in panel.address

    def test_what_it_raises_holds_no_address(self, simulator, family):
        tell(simulator, "ftp://secret.example/x")

        with pytest.raises(NotAnAddress) as caught:
            remote.ask_for_panel(ManagerFactory(), family=family)

        assert "secret.example" not in f"{caught.value!r}{caught.value}"

    def test_a_family_that_nothing_reaches(self, simulator):
        with pytest.raises(NoConnection):
            remote.ask_for_panel(ManagerFactory(), family=FamilyFactory())

    def test_anothers_personal_connection_is_not_used(self, simulator):
        reach = ReachFactory(connection__owner=ManagerFactory())

        with pytest.raises(NoConnection):
            remote.ask_for_panel(ManagerFactory(), family=reach.family)
