"""A right that was withdrawn is gone at the next request, whatever page and press token stood open before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import Picture, Relay
from access.sync.pictures import picture_path
from families.models import Family, Grant, PropertyLimit
from portal.accounts.models import Role, User
from portal.audit.models import Command, Entry
from portal.ids import hidden_id
from tests.factories import (
    ConnectionFactory,
    DeviceFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    OpeningFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
    RelayFactory,
)
from tests.families.house import HTMX, token_in
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db
LISTS = ("/", "/families/", "/doors/", "/log/", "/search/?q=withdraw", "/log/new/", "/families/?q=withdraw")


@pytest.fixture
def relay(simulator: SimulatorProcess) -> Relay:
    """A door that is really there, in a family of a property. All names of the family's say Withdrawn."""
    told, device, door = simulator.door(is_public=False)
    connection = ConnectionFactory(
        base_url=simulator.url, access_token=simulator.token, name="Withdrawn line"
    )
    family = FamilyFactory(
        residence_id=told["residence_id"],
        name="Withdrawn family",
        search_text="withdrawn family",
        property=PropertyFactory(),
    )
    ReachFactory(connection=connection, family=family, account_id=simulator.sign_in["account_id"])
    return RelayFactory(
        device=DeviceFactory(family=family, mac=device["mac"], name="Withdrawn intercom"),
        relay_id=door["relay_id"],
        name="Withdrawn door",
    )


def granted(relay: Relay) -> User:
    return GrantFactory(family=relay.device.family).person


def limited(relay: Relay) -> User:
    return PropertyLimitFactory(property=relay.device.family.property).person


def unlimited(relay: Relay) -> User:
    return ManagerFactory()


def change(user: User, **fields: Any) -> None:
    User.objects.filter(pk=user.pk).update(**fields)


# Who had the right, and how it is taken from them.
WITHDRAWALS: dict[str, tuple[Callable[[Relay], User], Callable[[User, Family], Any]]] = {
    "a grant ends": (
        granted,
        lambda user, family: Grant.objects.filter(person=user).update(ends_at=timezone.now()),
    ),
    "a grant is suspended": (
        granted,
        lambda user, family: Grant.objects.filter(person=user).update(suspended_at=timezone.now()),
    ),
    "a grant is put off": (
        granted,
        lambda user, family: Grant.objects.filter(person=user).update(
            starts_at=timezone.now() + timezone.timedelta(days=1)
        ),
    ),
    "a property is taken away": (
        limited,
        lambda user, family: PropertyLimit.objects.filter(person=user).delete(),
    ),
    "the family moves to another property": (
        limited,
        lambda user, family: Family.objects.filter(pk=family.pk).update(property=PropertyFactory()),
    ),
    "the family leaves its property": (
        limited,
        lambda user, family: Family.objects.filter(pk=family.pk).update(property=None),
    ),
    "a manager is limited": (unlimited, lambda user, family: change(user, is_limited=True)),
    "a manager becomes a family admin": (
        unlimited,
        lambda user, family: change(user, role=Role.FAMILY_ADMIN),
    ),
    "a limited manager becomes a family admin": (
        limited,
        lambda user, family: change(user, role=Role.FAMILY_ADMIN, is_limited=False),
    ),
}


@dataclass
class Open:
    """What stands open in a browser: the addresses of one family's door, and forms with their tokens."""

    client: Client
    user: User
    reads: list[str]
    acts: dict[str, dict[str, str]]


def opened(relay: Relay, user: User) -> Open:
    """Everything is open, and one press was made already."""
    client = Client()
    client.force_login(user)
    family = relay.device.family
    names = {"family_id": family.public_id}
    door = names | {"relay_id": relay.public_id}
    doors, rename, invite = (
        reverse(name, kwargs=names)
        for name in ("access:family_doors", "families:family_rename", "families:member_invite")
    )
    act = reverse("access:opening_create", kwargs=door)
    answer = client.post(act, {"press": token_in(client.get(doors).text)}, headers=HTMX)
    assert answer.status_code == 200
    poll = reverse("access:opening_press", kwargs=door | {"command_id": Command.objects.get().public_id})
    # Now: a grant shows nothing from before it began.
    opening = OpeningFactory(
        family=family, at=timezone.now(), account_name="Withdrawn account", picture=Picture.READY
    )
    path = picture_path(opening)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"picture")
    picture = reverse("access:opening_thumbnail", args=[hidden_id(opening.pk, "opening")])
    detail = reverse("families:family_detail", kwargs=names)
    reads = [detail, f"{detail}?edit=name", doors, poll, f"{poll}?version=x", picture]
    for url in reads:
        answer = client.get(url, headers=HTMX)
        assert answer.status_code == 200, url
        answer.getvalue()  # Reads the picture to its end, which closes the file.
    acts = {
        act: {"press": token_in(client.get(doors).text), "again": Command.objects.get().public_id},
        rename: {"press": token_in(client.get(rename, headers=HTMX).text), "name": "Another name"},
        invite: {
            "press": token_in(client.get(invite, headers=HTMX).text),
            "email": "new@household.example",
            "auth": "guest",
        },
    }
    return Open(client, user, reads, acts)


@pytest.mark.parametrize("how", WITHDRAWALS)
def test_what_stood_open_is_gone(simulator: SimulatorProcess, relay: Relay, how: str) -> None:
    who, withdraw = WITHDRAWALS[how]
    browser = opened(relay, who(relay))
    simulator.clear_journal()
    withdraw(browser.user, relay.device.family)
    commands = Command.objects.count()

    for url in browser.reads:
        for headers in ({}, HTMX):
            answer = browser.client.get(url, headers=headers)
            assert answer.status_code == 404, url
            assert "Withdrawn" not in answer.text
    for url, fields in browser.acts.items():
        for headers in (HTMX, {}):
            answer = browser.client.post(url, fields, headers=headers)
            assert answer.status_code == 404, url
            assert "Withdrawn" not in answer.text
    for url in (
        *LISTS,
        f"/log/?family={relay.device.family.public_id}",
        f"/log/?door={relay.device.public_id}",
    ):
        for headers in ({}, HTMX):
            answer = browser.client.get(url, headers=headers, follow=True)
            assert answer.status_code in {200, 204}, url
            assert "Withdrawn" not in answer.text, url

    assert simulator.journal() == []
    assert Command.objects.count() == commands
    assert Entry.objects.filter(event="access.denied", actor=browser.user).count() == len(
        {url.partition("?")[0] for url in browser.reads}
    ) + len(browser.acts)


def test_what_a_limited_person_did_in_a_family_names_it_no_more_when_it_is_not_theirs(relay: Relay) -> None:
    browser = opened(relay, limited(relay))
    assert "Withdrawn" in browser.client.get("/audit/").text
    Family.objects.filter(pk=relay.device.family.pk).update(property=None)
    assert "Withdrawn" not in browser.client.get("/audit/").text
    assert "Withdrawn" not in browser.client.get(f"/audit/?person={browser.user.public_id}").text


def test_who_becomes_an_auditor_looks_on_and_does_nothing_any_more(
    simulator: SimulatorProcess, relay: Relay
) -> None:
    browser = opened(relay, unlimited(relay))
    simulator.clear_journal()
    change(browser.user, role=Role.AUDITOR)
    for url, fields in browser.acts.items():
        assert browser.client.post(url, fields, headers=HTMX).status_code == 403
        assert browser.client.post(url, fields).status_code == 403
    page = browser.client.get(browser.reads[0]).text
    assert "Withdrawn family" in page
    assert 'name="press"' not in page + browser.client.get(browser.reads[2]).text
    assert simulator.journal() == []


def test_who_is_switched_off_is_nobody_at_the_next_request(simulator: SimulatorProcess, relay: Relay) -> None:
    browser = opened(relay, unlimited(relay))
    simulator.clear_journal()
    change(browser.user, is_active=False)
    for url in (*browser.reads, *LISTS):
        assert browser.client.get(url)["Location"].startswith("/account/login/")
        poll = browser.client.get(url, headers=HTMX)
        assert (poll.status_code, poll["HX-Redirect"], poll.content) == (204, "/account/login/", b"")
    for url, fields in browser.acts.items():
        assert browser.client.post(url, fields, headers=HTMX)["HX-Redirect"] == "/account/login/"
        assert browser.client.post(url, fields).status_code == 302
    assert simulator.journal() == []


def test_a_press_of_one_person_is_none_of_another(simulator: SimulatorProcess, relay: Relay) -> None:
    browser, other = opened(relay, unlimited(relay)), unlimited(relay)
    simulator.clear_journal()
    client = Client()
    client.force_login(other)
    for url, fields in browser.acts.items():
        answer = client.post(url, fields, headers=HTMX)
        assert answer.status_code == 422, url
    assert simulator.journal() == []


def test_a_right_that_comes_back_works_with_the_page_that_stood_open(
    simulator: SimulatorProcess, relay: Relay
) -> None:
    browser = opened(relay, granted(relay))
    grant = Grant.objects.get(person=browser.user)
    act, fields = next(iter(browser.acts.items()))
    Grant.objects.filter(pk=grant.pk).update(suspended_at=timezone.now())
    assert browser.client.post(act, fields, headers=HTMX).status_code == 404
    Grant.objects.filter(pk=grant.pk).update(suspended_at=None)
    simulator.clear_journal()
    assert browser.client.post(act, fields, headers=HTMX).status_code == 200
    assert len(simulator.journal("trigger_akuvox_remote_open_door")) == 1
