"""The page of a visitor's link: where the pass stands, for whoever looks, at no cost and with nothing given away."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import TempKey, VisitorLink
from portal.accounts.models import GuessLimit
from portal.audit.models import Entry
from tests.access.visiting import CONTACT, Visited
from tests.factories import FamilyAdminFactory, GrantFactory, ManagerFactory, MemberFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def visited(simulator) -> Visited:
    return Visited.of(simulator)


def everything():
    """Whatever a look could have written."""
    models = (VisitorLink, TempKey, GuessLimit, Entry)
    return [list(model.objects.order_by("pk").values()) for model in models]


class TestWhatItSays:
    def test_before_its_window_from_when_and_nothing_to_press(self, client, visited):
        with time_machine.travel(datetime(2030, 6, 3, 10, tzinfo=UTC), tick=False):
            visited.works(hours_ago=-2, hours_more=5)
            page = client.get(visited.path)
        assert page.status_code == 200
        assert "It does not work yet" in page.text
        assert "Monday 3 June, 13:00" in page.text
        assert "Monday 3 June, 16:00" in page.text
        assert "<form" not in page.text

    def test_inside_it_until_when_and_a_button(self, client, visited):
        with time_machine.travel(datetime(2030, 6, 3, 10, tzinfo=UTC), tick=False):
            visited.works(hours_ago=2, hours_more=30)
            page = client.get(visited.path)
        assert "It works now" in page.text
        assert "Tuesday 4 June, 17:00" in page.text
        assert "Time in Lisbon" in page.text
        assert "Show my code" in page.text
        assert re.search(r'<form method="post">\s*<input type="hidden" name="csrfmiddlewaretoken"', page.text)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"uses": 0}, "It has no uses left"),
            ({"ends_at": timezone.now() - timedelta(seconds=1)}, "It is over"),
            ({"gone_at": timezone.now()}, "It is over"),
            (
                {"starts_at": None, "ends_at": None, "raw_window": "soon"},
                "Nobody can tell here whether it works",
            ),
        ],
    )
    def test_one_that_opens_nothing_says_so_and_has_no_button(self, client, visited, fields, words):
        visited.set(**fields)
        page = client.get(visited.path)
        assert page.status_code == 200
        assert words in page.text
        assert "<form" not in page.text
        assert "ask whoever gave you this link" in page.text.lower()

    def test_over_is_said_for_thirty_days(self, client, visited):
        visited.set(ends_at=timezone.now() - timedelta(days=29, hours=23))
        assert "It is over" in client.get(visited.path).text
        visited.set(ends_at=timezone.now() - timedelta(days=30, seconds=1))
        assert client.get(visited.path).status_code == 404

    @pytest.mark.parametrize("offset", [-1, 0, 1])
    def test_it_begins_and_ends_to_the_second(self, client, visited, offset):
        begins, ends = datetime(2030, 6, 3, 10, tzinfo=UTC), datetime(2030, 6, 3, 12, tzinfo=UTC)
        visited.set(starts_at=begins, ends_at=ends)
        with time_machine.travel(begins + timedelta(seconds=offset), tick=False):
            assert ("<form" in client.get(visited.path).text) is (offset >= 0)
        with time_machine.travel(ends + timedelta(seconds=offset), tick=False):
            assert ("<form" in client.get(visited.path).text) is (offset < 0)

    def test_the_house_and_whom_to_call(self, client, visited):
        page = client.get(visited.path)
        assert "<bdi>Alameda 12</bdi>" in page.text
        assert '<a href="tel:+351912345678">+351 912 345 678</a>' in page.text
        shown = re.sub(r"<[^>]+>", "", page.text)
        assert CONTACT in shown

    @pytest.mark.parametrize("contact", ["", "Ring at the desk <b>"])
    def test_without_a_number_it_says_what_there_is(self, client, visited, contact):
        place = visited.key.family.property
        place.visitor_contact = contact
        place.save()
        page = client.get(visited.path)
        assert "tel:" not in page.text
        assert ("Ring at the desk &lt;b&gt;" in page.text) is bool(contact)
        assert ("ask whoever gave you this link" in page.text) is not bool(contact)

    def test_a_family_in_no_property_is_not_named_either(self, client, visited):
        visited.key.family.property = None
        visited.key.family.save()
        page = client.get(visited.path)
        assert "It works now" in page.text
        assert "Time in UTC" in page.text
        assert visited.key.family.name not in page.text

    def test_it_names_no_family_no_person_and_no_label(self, client, visited):
        MemberFactory(family=visited.key.family, first_name="Quiteria", last_name="Household")
        key = visited.key
        words = [key.family.name, key.label, key.visitor_name, key.visitor_email, visited.maker.name]
        words += [visited.maker.email, key.public_id, key.family.residence_id, "Quiteria"]
        for page in (client.get(visited.path), visited.press(client)):
            for word in words:
                assert word not in page.text, word


class TestTimes:
    def test_the_links_own_zone_comes_before_the_houses(self, client, visited):
        visited.secret = visited.link(time_zone="Asia/Tokyo").secret
        with time_machine.travel(datetime(2030, 6, 3, 10, tzinfo=UTC), tick=False):
            visited.works(hours_ago=1, hours_more=8)
            page = client.get(visited.path)
        assert "Tuesday 4 June, 03:00" in page.text
        assert "Time in Tokyo" in page.text

    def test_the_hour_that_the_clock_shows_twice_is_told_apart(self, client, visited):
        # On 27 October 2030 Lisbon's clock goes from 02:00 back to 01:00.
        with time_machine.travel(datetime(2030, 10, 26, 20, tzinfo=UTC), tick=False):
            visited.set(starts_at=timezone.now(), ends_at=datetime(2030, 10, 27, 0, 30, tzinfo=UTC))
            first = client.get(visited.path).text
            visited.set(ends_at=datetime(2030, 10, 27, 1, 30, tzinfo=UTC))
            second = client.get(visited.path).text
        assert "Sunday 27 October, 01:30 WEST" in first
        assert "Sunday 27 October, 01:30 WET" in second

    def test_over_the_hour_that_it_skips_the_window_stays_as_long_as_it_is(self, client, visited):
        # On 31 March 2030 it goes from 01:00 to 02:00.
        visited.set(
            starts_at=datetime(2030, 3, 31, 0, 30, tzinfo=UTC),
            ends_at=datetime(2030, 3, 31, 1, 30, tzinfo=UTC),
        )
        with time_machine.travel(datetime(2030, 3, 31, 0, 0, tzinfo=UTC), tick=False):
            page = client.get(visited.path).text
        assert "31 March, 00:30" in page
        assert "31 March, 02:30" in page
        with time_machine.travel(datetime(2030, 3, 31, 1, 29, 59, tzinfo=UTC), tick=False):
            assert "<form" in client.get(visited.path).text

    def test_another_year_is_told(self, client, visited):
        with time_machine.travel(datetime(2030, 12, 31, 20, tzinfo=UTC), tick=False):
            visited.works(hours_ago=1, hours_more=12)
            assert "Wednesday 1 January 2031, 08:00" in client.get(visited.path).text

    def test_a_browser_is_told_each_moment_and_the_zone(self, client, visited):
        visited.set(ends_at=datetime(2031, 6, 3, 10, tzinfo=UTC))
        page = client.get(visited.path).text
        assert 'datetime="2031-06-03T11:00:00+01:00" data-moment' in page
        assert 'data-own-clock="Europe/Lisbon" hidden' in page


class TestCost:
    @pytest.mark.parametrize("method", ["get", "head"])
    def test_a_look_writes_nothing_and_asks_nothing(self, visited, method):
        before = everything()
        for headers in ({}, {"Sec-Purpose": "prefetch"}, {"User-Agent": "Slackbot-LinkExpanding 1.0"}):
            assert getattr(Client(), method)(visited.path, headers=headers).status_code == 200
        assert everything() == before
        assert not visited.simulator.journal()

    def test_it_is_one_query(self, client, visited, django_assert_num_queries):
        client.get(visited.path)
        with django_assert_num_queries(1):
            client.get(visited.path)

    def test_and_another_for_the_right_of_a_family_admin(self, client, visited, django_assert_num_queries):
        admin = GrantFactory(
            person=FamilyAdminFactory(), family=visited.key.family, starts_at=visited.key.made_after
        ).person
        visited.set(made_by=admin)
        visited.secret = visited.link(admin).secret
        client.get(visited.path)
        with django_assert_num_queries(2):
            assert client.get(visited.path).status_code == 200

    def test_somebody_signed_in_sees_the_same_page(self, client, visited):
        plain = re.sub(r'value="[\w]{64}"', "", client.get(visited.path).text)
        client.force_login(ManagerFactory())
        assert re.sub(r'value="[\w]{64}"', "", client.get(visited.path).text) == plain
        assert not Entry.objects.filter(event="access.denied").exists()


class TestNothingBehindIt:
    def test_an_ended_a_cut_and_a_made_up_link_look_the_same_and_cost_the_same(self, visited):
        ended = visited.path
        visited.secret = visited.link().secret
        paths = [ended, visited.path[:-2] + "/", "/v/nothing/", f"/v/{'x' * 43}/", f"/v/{'x' * 3000}/"]
        answers, counts = [], []
        Client().get(paths[0])
        for path in paths:
            with CaptureQueriesContext(
                database,
            ) as asked:
                answers.append(Client().get(path))
            counts.append([re.sub(r"'[^']*'|\d+", "…", one["sql"]) for one in asked])
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1
        assert "Ask whoever gave it to you" in answers[0].text
        assert all(each == counts[0] for each in counts), counts

    def test_a_press_on_it_shows_nothing_either(self, client, visited):
        visited.secret = "a-link-that-never-was"
        answer = visited.press(client)
        assert answer.status_code == 404
        assert not visited.asked()
        assert not Entry.objects.filter(event="visitor_link.show").exists()

    def test_who_guesses_is_slowed_and_nobody_else_is(self, visited):
        guesser = Client(REMOTE_ADDR="192.0.2.7")
        statuses = [guesser.get(f"/v/guess-{number}/").status_code for number in range(200)]
        assert statuses.count(404) == 20
        assert set(statuses[20:]) == {429}
        refused = guesser.get("/v/once-more/")
        assert refused["Retry-After"] == "60"
        assert "Wait a minute" in refused.text
        assert Client(REMOTE_ADDR="192.0.2.8").get("/v/a-typo/").status_code == 404
        # In the same network as whoever guesses, a link that is right is shown all the same.
        assert guesser.get(visited.path).status_code == 200
        assert visited.press(guesser).status_code == 200
        # Once refused, a guess writes nothing.
        before = everything()
        guesser.get("/v/and-again/")
        assert everything() == before


class TestKeptByNobody:
    def test_no_cache_no_search_no_referrer_no_frame_and_no_foreign_origin(self, client, visited):
        csrf = Client(enforce_csrf_checks=True)
        answers = [
            client.get(visited.path),
            visited.press(client),
            client.get(visited.path.removesuffix("/")),
            client.get("/v/nothing/"),
            visited.press(csrf),
            client.put(visited.path),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 404, 403, 405]
        for answer in answers:
            assert "no-store" in answer["Cache-Control"]
            assert answer["X-Robots-Tag"] == "noindex, nofollow"
            assert answer["Referrer-Policy"] == "strict-origin"
            assert answer["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in answer["Content-Security-Policy"]
            # htmx writes the address of the page it is loaded into where the browser keeps it.
            assert "htmx" not in answer.text
            assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
            assert 'href="/"' not in answer.text
        for answer in answers[:4]:
            assert '<meta name="robots" content="noindex, nofollow">' in answer.text

    def test_no_cookie_but_that_of_the_form(self, client, visited):
        visited.press(client)
        client.get(visited.path)
        assert set(client.cookies) <= {"csrftoken"}
        with_form = Client()
        with_form.get(visited.path)
        assert set(with_form.cookies) == {"csrftoken"}

    def test_only_the_answer_with_a_picture_permits_one_in_it(self, client, visited):
        assert "img-src 'self' data:" in visited.press(client)["Content-Security-Policy"]
        for answer in (client.get(visited.path), client.get("/v/nothing/")):
            assert "data:" not in answer["Content-Security-Policy"]

    def test_a_form_of_another_site_or_an_old_one_is_told_what_to_do(self, visited):
        answer = visited.press(Client(enforce_csrf_checks=True))
        assert answer.status_code == 403
        assert "Load it again" in answer.text
        assert f'href="{visited.path}"' in answer.text
        assert not visited.asked()


class TestLanguage:
    def test_the_page_is_in_the_links_language_and_says_so(self, client, visited, settings):
        settings.LANGUAGES = [("en", "English"), ("pt", "Português")]
        visited.secret = visited.link(language="pt").secret
        with time_machine.travel(datetime(2030, 6, 3, 10, tzinfo=UTC), tick=False):
            visited.works(hours_ago=1, hours_more=1)
            page = client.get(visited.path, headers={"Accept-Language": "en"}).text
        assert '<html lang="pt"' in page
        # Django's own words for the days: ours come with a catalogue.
        assert "Junho" in page

    def test_without_one_in_the_browsers(self, client, visited, settings):
        settings.LANGUAGES = [("en", "English"), ("pt", "Português")]
        assert '<html lang="pt"' in client.get(visited.path, headers={"Accept-Language": "pt-PT,pt"}).text
        assert '<html lang="en"' in client.get(visited.path, headers={"Accept-Language": "tlh"}).text
