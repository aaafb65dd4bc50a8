"""The audit page: who sees it, what it shows, in how many queries."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.audit import trail
from portal.audit.models import Entry, State
from portal.audit.trail import About, By, Result
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
)

pytestmark = pytest.mark.django_db
PAGE = "/audit/"
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def manager(client: Client) -> Any:
    user = ManagerFactory(name="Ada")
    client.force_login(user)
    return user


def pressed(user: Any, family: Any, press: str, state: str = State.SUCCEEDED, words: str = "") -> Any:
    """A door opened by a person, with its three steps."""
    about = About(family.pk, family.name, "relay", "r1", "Front door")
    command, _ = trail.intend(
        "trigger_akuvox_remote_open_door",
        "door.open",
        By.person(user),
        about,
        press=press,
        command_id=f"c-{press}",
        connection_name="Riverside",
        parameters={"device": "Front door"},
        reason="locked out",
    )
    trail.claim(command, By.person(user))
    trail.conclude(command, By.person(user), Result(state, words=words, status=200))
    return command


def test_the_page_shows_one_line_for_the_steps_of_a_command(client: Client, manager: Any) -> None:
    family = FamilyFactory(name="Casa Núñez")
    pressed(manager, family, "one", State.REFUSED, "The door is <b>blocked</b>")
    page = client.get(PAGE).content.decode()
    assert page.count('<li class="deed"') == 3  # the press, the sign-in of the test, and this look
    assert "Casa Núñez" in page
    assert "locked out" in page
    assert "The door is &lt;b&gt;blocked&lt;/b&gt;" in page
    assert "status--bad" in page
    assert "<html" in page


def test_the_fragment_is_the_table_alone(client: Client, manager: Any) -> None:
    body = client.get(PAGE, headers=FRAGMENT).content.decode()
    assert body.lstrip().startswith('<div class="trail" id="entry-table"')
    assert "<html" not in body


def test_a_visitor_is_sent_to_sign_in(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    assert client.get(PAGE, headers=FRAGMENT)["HX-Redirect"].startswith("/account/login/")


@pytest.mark.parametrize(("factory", "status"), [(FamilyAdminFactory, 403), (AuditorFactory, 200)])
def test_it_is_for_managers_and_auditors(client: Client, factory: Any, status: int) -> None:
    client.force_login(factory())
    assert client.get(PAGE).status_code == status


def test_nothing_but_looking_is_possible(client: Client, manager: Any) -> None:
    assert client.post(PAGE).status_code == 405


def test_a_limited_manager_sees_their_families_alone(client: Client) -> None:
    mine, theirs = FamilyFactory(name="Mine", property=PropertyFactory()), FamilyFactory(name="Theirs")
    other = ManagerFactory()
    for number, family in enumerate((mine, theirs)):
        pressed(other, family, f"press{number}")
    limit = PropertyLimitFactory(property=mine.property)
    client.force_login(limit.person)
    page = client.get(PAGE).content.decode()
    assert "Mine" in page
    assert "Theirs" not in page
    assert "each signed and chained" not in page


def test_the_filters_of_the_address(client: Client, manager: Any) -> None:
    one, two = FamilyFactory(name="Family of one"), FamilyFactory(name="Family of two")
    other = ManagerFactory(name="Bea")
    pressed(manager, one, "one", State.UNKNOWN)
    pressed(other, two, "two", State.SUCCEEDED)

    def lines(query: str) -> str:
        body = client.get(f"{PAGE}?{query}").content.decode()
        return body[body.index('id="entry-table"') :]

    assert "Family of two" not in lines(f"person={manager.public_id}")
    assert "Family of one" not in lines(f"person={other.public_id}")
    assert "Family of one" in lines(f"family={one.public_id}")
    assert "Family of two" not in lines(f"family={one.public_id}")
    assert "Family of two" not in lines("outcome=unknown")
    assert "Family of one" in lines("outcome=unknown")
    assert "Signed in" not in lines("event=door.open")
    assert "Family of one" in lines("event=door.open")
    assert "Family of one" not in lines("to=2020-01-01")
    assert "Nothing matches" in lines("to=2020-01-01")
    assert "Family of one" in lines("from=2020-01-01")


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "outcome=1",
        "person=x",
        "family=%EF%BF%BE",
        "before=forged",
        "from=2020-99-01",
        "page=-1",
    ],
)
def test_a_strange_filter_is_no_error(client: Client, manager: Any, query: str) -> None:
    assert client.get(f"{PAGE}?{query}").status_code == 200


def test_an_unknown_outcome_settled_later_is_not_unknown_any_more(client: Client, manager: Any) -> None:
    command = pressed(manager, FamilyFactory(name="Settled"), "one", State.UNKNOWN)
    trail.conclude(command, By.system(), Result(State.CONFIRMED_BY_HISTORY))
    body = client.get(f"{PAGE}?outcome=unknown", headers=FRAGMENT).content.decode()
    assert "Nothing matches" in body
    body = client.get(f"{PAGE}?outcome=confirmed_by_history", headers=FRAGMENT).content.decode()
    assert body.count('<li class="deed"') == 1
    assert "Seen in the log" in body


def test_pages_follow_each_other_without_a_gap_or_a_double(client: Client, manager: Any) -> None:
    family = FamilyFactory()
    for number in range(60):
        trail.record(f"made.{number}", By.person(manager), About(family.pk, family.name))
    seen: list[str] = []
    url = PAGE
    while url:
        response = client.get(url, headers=FRAGMENT)
        seen += [row["number"] for day in response.context["days"] for row in day["lines"]]
        url = response.context["older_url"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == Entry.objects.count()


def test_the_number_of_queries_is_constant(
    client: Client, manager: Any, django_assert_num_queries: Any
) -> None:
    family = FamilyFactory()
    client.get(PAGE)  # which records the look
    for count in (1, 30):
        for number in range(count):
            pressed(manager, family, f"{count}-{number}")
        # Session, person, whether the look is known, lines, their steps, people, newest, last verified.
        with django_assert_num_queries(8):
            client.get(PAGE)


def test_looking_is_recorded_once_in_a_while(client: Client, manager: Any) -> None:
    for _ in range(3):
        client.get(PAGE)
    assert Entry.objects.filter(event="audit.viewed", actor=manager).count() == 1


def test_somebody_elses_object_is_recorded_once(client: Client) -> None:
    grant = GrantFactory()
    client.force_login(grant.person)
    stranger = FamilyFactory()
    url = reverse("families:family_detail", args=[stranger.public_id])
    for _ in range(2):
        assert client.get(url).status_code == 404
    assert client.get("/nothing/here/").status_code == 404
    entry = Entry.objects.get(event="access.denied")
    assert (entry.actor_id, entry.object_name, entry.outcome, entry.upstream_status) == (
        grant.person.pk,
        url,
        "refused",
        404,
    )


def test_signing_in_failing_and_out_are_recorded(client: Client) -> None:
    user = ManagerFactory(email="ada@gatehouse.example")
    from portal.accounts.people import verify_address

    verify_address(user)
    client.post("/account/login/", {"login": "ada@gatehouse.example", "password": "wrong"})
    client.post("/account/login/", {"login": "my-password-CANARY", "password": "wrong"})
    client.post("/account/login/", {"login": "Ada@Gatehouse.example", "password": "a long enough sentence"})
    client.post("/account/logout/")
    told = list(Entry.objects.order_by("number").values_list("event", "actor_name", "outcome"))
    assert ("person.sign_in_failed", "ada@gatehouse.example", "refused") in told
    assert ("person.sign_in", str(user), "succeeded") in told
    assert told[-1] == ("person.sign_out", str(user), "")
    assert "CANARY" not in str(list(Entry.objects.values()))
