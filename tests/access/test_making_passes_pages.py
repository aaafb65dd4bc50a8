"""The page that makes passes: one with its code shown once, what is asked before, what became of it, and for whom."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from access.models import TempKey
from families.models import Family, Kind
from portal.audit.models import Command, State
from portal.connections.models import Connection
from portal.web.presses import new_press
from tests.access.making import CREATE, sent, upstream
from tests.access.passing import LIST, there
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses, token_in
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "/passes/new/"
DAY = (datetime.now(UTC) + timedelta(days=12)).date()
LATER = DAY + timedelta(days=47)
WISH = {
    "label": "Plumber",
    "visitor_name": "Rui Costa",
    "visitor_email": "rui@visitor.example",
    "note": "Boiler",
    "window": "own",
    "begins": f"{DAY}T09:00",
    "ends": f"{DAY}T11:00",
    "often": "own",
    "uses": "3",
}


@pytest.fixture
def connection(simulator):
    simulator.reset(families=3)
    return connect(simulator)


@pytest.fixture
def family(simulator, connection):
    """A family in Lisbon."""
    read(connection, Kind.FAMILIES, Kind.MEMBERS, Kind.TEMP_KEYS)
    simulator.clear_journal()
    found = max(Family.objects.all(), key=lambda one: one.temp_keys.count())
    found.property = PropertyFactory(name="Riverside", time_zone="Asia/Kolkata")
    found.save()
    return found


@pytest.fixture
def manager(client):
    person = ManagerFactory(name="Ana Prado")
    client.force_login(person)
    return person


def press(client, family, person, **changes):
    families = family if isinstance(family, list) else [family]
    data = {"press": new_press(person.pk, "make-passes"), "family": [one.public_id for one in families]}
    return client.post(NEW, data | WISH | changes)


class TestTheForm:
    def test_it_names_the_family_its_clock_and_the_account(self, client, simulator, family, manager):
        page = client.get(NEW, {"family": family.public_id})
        assert page.status_code == 200
        assert f'value="{family.public_id}" checked' in page.text
        assert "Times in Kolkata, where it is" in page.text
        assert "Estate" in page.text
        assert re.search(r"Tomorrow: \d+ \w+ 00:00 – \d+ \w+ 00:00", page.text)
        assert simulator.journal() == []

    def test_the_fragment_is_the_form_alone(self, client, family, manager):
        page = client.get(NEW, headers=HTMX)
        assert page.text.lstrip().startswith('<div id="pass-create">')

    def test_lists_and_the_home_of_a_family_admin_lead_there(self, client, family, manager):
        assert f'href="{NEW}"' in client.get("/passes/").text
        tab = reverse("access:family_passes", args=[family.public_id])
        assert f'href="{NEW}?family={family.public_id}"' in client.get(tab).text
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family)
        client.force_login(person)
        assert f'href="{NEW}?family={family.public_id}"' in client.get("/").text
        client.force_login(AuditorFactory())
        assert NEW not in client.get("/passes/").text

    def test_another_persons_family_is_not_offered(self, client, family, manager):
        client.force_login(FamilyAdminFactory())
        page = client.get(NEW, {"family": family.public_id})
        assert page.status_code == 200
        assert family.name not in page.text

    def test_a_family_is_found_by_some_letters_without_a_script(self, client, simulator, family, manager):
        page = client.post(NEW, WISH | {"family_q": family.name[:6], "find": "1"})
        assert page.status_code == 200
        assert f'value="{family.public_id}"' in page.text
        assert f'value="{DAY}T09:00"' in page.text
        assert simulator.journal() == []

    def test_the_list_of_families_brings_those_that_were_ticked(self, client, simulator, family, manager):
        others = list(Family.objects.exclude(pk=family.pk))
        page = client.post(NEW, {"family": [family.public_id, others[0].public_id], "step": "choose"})
        assert page.status_code == 200
        assert len(re.findall(r'name="family" value="[^"]+" checked', page.text)) == 2
        assert simulator.journal() == []


class TestMaking:
    def test_one_press_makes_one_and_shows_its_code_once(self, client, simulator, family, manager):
        answer = press(client, family, manager)
        assert answer.status_code == 200
        assert sent(simulator) == [
            {
                "residence_id": family.residence_id,
                "start_time": f"{DAY} 03:30:00",
                "finish_time": f"{DAY} 05:30:00",
                "count": 3,
            }
        ]
        digits = re.sub(r"\D", "", re.search(r'id="pass-digits">([^<]+)<', answer.text)[1])
        assert digits in upstream(simulator, family)
        assert "<h1>Pass made</h1>" in answer.text
        assert 'id="pass-digits"' in answer.text
        assert "09:00 – 11:00 Kolkata" in answer.text
        assert "03:30 – 05:30 UTC" in answer.text
        assert "no-store" in answer["Cache-Control"]
        assert "img-src 'self' data:" in answer["Content-Security-Policy"]
        key = TempKey.objects.get(made_by=manager)
        assert reverse("access:pass_detail", args=[key.public_id]) in answer.text
        assert digits not in client.get("/passes/").text

    def test_a_repeat_tells_where_its_code_is_and_makes_none(self, client, simulator, family, manager):
        token = new_press(manager.pk, "make-passes")
        press(client, family, manager, press=token)
        again = press(client, family, manager, press=token)
        assert again.status_code == 200
        assert "not made twice" in again.text
        assert 'id="pass-digits"' not in again.text
        assert len(simulator.journal(CREATE)) == 1

    def test_a_repeat_with_other_values_is_an_old_page(self, client, simulator, family, manager):
        token = new_press(manager.pk, "make-passes")
        press(client, family, manager, press=token)
        again = press(client, family, manager, press=token, label="Somebody else")
        assert again.status_code == 422
        assert "This page is too old" in again.text
        assert 'value="Somebody else"' in again.text
        assert len(simulator.journal(CREATE)) == 1

    def test_a_repeat_minutes_later_of_a_window_that_counts_from_now_is_a_repeat(
        self, client, simulator, family, manager
    ):
        token, soon = new_press(manager.pk, "make-passes"), timezone.now() + timedelta(minutes=3)
        press(client, family, manager, press=token, window="two_hours")
        with time_machine.travel(soon):
            again = press(client, family, manager, press=token, window="two_hours")
            other = press(client, family, manager, press=token, window="tomorrow")
        assert again.status_code == 200
        assert "not made twice" in again.text
        # Whoever went back and chose another window is told of no pass that has the first one.
        assert other.status_code == 422
        assert "This page is too old" in other.text
        assert len(simulator.journal(CREATE)) == 1

    def test_without_a_label_it_is_called_as_its_visitor(self, client, family, manager):
        press(client, family, manager, label="")
        assert TempKey.objects.get(made_by=manager).label == "Rui Costa"

    def test_what_is_typed_is_shown_as_text(self, client, family, manager):
        page = press(client, family, manager, label="<b>x</b>", note="{{ 7 }}")
        assert "&lt;b&gt;x&lt;/b&gt;" in page.text
        assert "<b>x</b>" not in page.text
        assert "{{ 7 }}" in page.text

    def test_a_window_of_many_days_or_uses_is_asked_about_once_more(self, client, simulator, family, manager):
        first = press(client, family, manager, ends=f"{LATER}T09:00", uses="101")
        assert first.status_code == 422
        assert "It is good for 47 days" in first.text
        assert "It opens 101 times" in first.text
        assert 'value="Plumber"' in first.text
        assert not simulator.journal()
        agreed = re.search(r'name="agreed" value="([^"]+)"', first.text)[1]
        # Another number is another question.
        other = press(client, family, manager, ends=f"{LATER}T09:00", uses="500", agreed=agreed)
        assert other.status_code == 422
        assert "It is good for" not in re.sub(r"<dl.*", "", other.text)
        second = press(client, family, manager, ends=f"{LATER}T09:00", uses="101", agreed=agreed)
        assert second.status_code == 200
        assert sent(simulator)[0]["count"] == 101

    @pytest.mark.parametrize("preset", ["two_hours", "today", "tomorrow", "week"])
    def test_a_preset_needs_no_times(self, client, simulator, family, manager, preset):
        assert press(client, family, manager, window=preset, begins="", ends="").status_code == 200
        assert len(sent(simulator)) == 1


class TestTrouble:
    def test_an_unknown_outcome_is_called_unknown_and_says_what_to_do(
        self, client, simulator, family, manager, settings
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        simulator.fault(CREATE, "reset_before", times=1)
        answer = press(client, family, manager)
        assert answer.status_code == 502
        assert "We do not know whether the pass was made" in answer.text
        key = TempKey.objects.get(made_by=manager)
        assert reverse("access:pass_match", args=[key.public_id]) in answer.text
        assert "Make another" not in answer.text
        assert "May have been made" in client.get("/passes/?state=asked").text

    def test_a_refusal_is_told_in_the_upstreams_words_beside_what_was_typed(
        self, client, simulator, family, manager
    ):
        simulator.fault(CREATE, "refuse", words="No more keys")
        answer = press(client, family, manager)
        assert answer.status_code == 422
        assert "No more keys" in answer.text
        assert 'value="Boiler"' in answer.text
        assert not TempKey.objects.filter(made_by=manager).exists()

    def test_the_upstream_down_the_trail_or_the_connection_gone_is_said(
        self, client, simulator, family, manager, settings
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        with a_trail_that_refuses():
            answer = press(client, family, manager)
        assert answer.status_code == 503
        assert "audit trail is not available" in answer.text
        simulator.fault(LIST, "status", status=500)
        answer = press(client, family, manager)
        assert answer.status_code == 503
        assert 'value="Plumber"' in answer.text
        Connection.objects.update(paused_at=timezone.now())
        answer = press(client, family, manager)
        assert answer.status_code == 503
        assert "no connection reaches this family" in answer.text
        assert not simulator.journal(CREATE)

    def test_too_many_within_an_hour_is_said(self, client, simulator, family, manager, settings):
        settings.PASSES_PER_FAMILY_AN_HOUR = 1
        press(client, family, manager)
        answer = press(client, family, manager)
        assert answer.status_code == 422
        assert "At most 1 pass an hour is made in one family" in answer.text
        assert len(sent(simulator)) == 1


class TestWhoMay:
    def test_strangers_sign_in_first_and_auditors_may_not(self, client, simulator, family):
        assert client.get(NEW).status_code == 302
        person = AuditorFactory()
        client.force_login(person)
        assert client.get(NEW).status_code == 403
        assert press(client, family, person).status_code == 403
        assert not simulator.journal()

    def test_a_family_admin_makes_one_at_home_and_no_several(self, client, simulator, family):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family)
        client.force_login(person)
        page = client.get(NEW)
        assert family.public_id in page.text
        assert "Several people at once" not in page.text
        answer = press(client, family, person)
        assert answer.status_code == 200
        assert 'id="pass-digits"' in answer.text
        other = Family.objects.exclude(pk=family.pk).first()
        GrantFactory(person=person, family=other)
        answer = press(client, [family, other], person)
        assert answer.status_code == 422
        assert "Choose one family" in answer.text
        # Lines of people are no field of theirs.
        press(client, family, person, visitors="Ana\nBo")
        assert len(sent(simulator)) == 2

    def test_their_pass_does_not_outlast_their_time_with_the_family(self, client, simulator, family):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family, ends_at=timezone.now() + timedelta(days=2))
        client.force_login(person)
        answer = press(client, family, person, begins=f"{LATER}T09:00", ends=f"{LATER}T10:00")
        assert answer.status_code == 422
        assert "You look after this family until" in answer.text
        assert not simulator.journal()

    def test_somebody_elses_family_is_not_there(self, client, simulator, family):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=Family.objects.exclude(pk=family.pk).first())
        client.force_login(person)
        assert press(client, family, person).status_code == 404
        limited = ManagerFactory(is_limited=True)
        client.force_login(limited)
        assert press(client, family, limited).status_code == 404
        assert press(client, FamilyFactory(), limited, place=family.property.public_id).status_code == 404
        assert not simulator.journal()
        assert not Command.objects.exists()


class TestWhichItIs:
    @pytest.fixture
    def key(self, simulator, family, manager, client, settings):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        simulator.fault(CREATE, "reset_before", times=1)
        press(client, family, manager)
        simulator.clear_journal()
        return TempKey.objects.get(made_by=manager)

    def address(self, key):
        return reverse("access:pass_match", args=[key.public_id])

    def test_a_look_reads_the_list_and_says_what_it_tells(self, client, simulator, manager, key):
        page = client.get(self.address(key))
        assert "It may have been made" in page.text
        assert simulator.journal() == []
        answer = client.post(self.address(key), {"press": token_in(page.text), "step": "look"})
        assert answer.status_code == 200
        assert "Still nobody knows" in answer.text
        assert [row["command"] for row in simulator.journal()] == [LIST]

    def test_one_of_several_is_taken(self, client, simulator, family, manager, key):
        for _ in range(2):
            press(client, family, manager)
        # Two others of the same window, as if they had been made in the phone app.
        others = there().filter(made_by=manager).exclude(pk=key.pk)
        for one in others:
            TempKey.objects.filter(pk=one.pk).update(made_by=None, command=None, at=timezone.now())
        page = client.get(self.address(key))
        ids = re.findall(r'name="candidate" value="([^"]+)"', page.text)
        assert len(ids) == 2
        token = token_in(page.text)
        assert client.post(self.address(key), {"press": token, "step": "take"}).status_code == 422
        answer = client.post(self.address(key), {"press": token, "step": "take", "candidate": ids[0]})
        assert answer.status_code == 302
        assert answer["Location"] == reverse("access:pass_detail", args=[key.public_id])
        key.refresh_from_db()
        assert key.fingerprint
        assert client.get(self.address(key)).status_code == 302

    def test_none_of_them_is_said(self, client, manager, key):
        token = token_in(client.get(self.address(key)).text)
        answer = client.post(self.address(key), {"press": token, "step": "none"})
        assert answer.status_code == 302
        key.refresh_from_db()
        assert key.gone_at is not None
        assert key.command.state == State.CLOSED_BY_USER

    def test_an_old_page_and_other_people_change_nothing(self, client, family, manager, key):
        assert client.post(self.address(key), {"press": "forged", "step": "none"}).status_code == 422
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family)
        client.force_login(person)
        assert client.post(self.address(key), {"step": "none"}).status_code in {404, 409}
        client.force_login(AuditorFactory())
        assert client.get(self.address(key)).status_code == 403
        client.force_login(FamilyAdminFactory())
        assert client.get(self.address(key)).status_code == 404
        key.refresh_from_db()
        assert key.is_unmatched
