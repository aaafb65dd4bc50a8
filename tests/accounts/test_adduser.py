"""manage.py adduser and property: who may sign in, and what they reach from then on."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client
from django.utils import timezone

from families.models import Family, Grant, Property, PropertyLimit
from portal.accounts.models import Invitation, Role, User
from portal.audit.models import Actor, Entry
from tests.consoles import Ran, run
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
)

pytestmark = pytest.mark.django_db
PASSWORD = "Correct horse 99 battery"


def adduser(email: str, role: str, *words: str, password: str = "") -> Ran:
    more = ["--password-stdin"] if password else []
    return run("adduser", email, "--role", role, *words, *more, stdin=password and f"{password}\n")


def signs_in(client: Client, email: str, password: str) -> bool:
    client.post("/account/login/", {"login": email, "password": password})
    return "_auth_user_id" in client.session


def test_a_person_with_a_password_can_sign_in(client: Client) -> None:
    ran = adduser("Ada@Gatehouse.example", "manager", "--name", "Ada", password=PASSWORD)
    assert (ran.code, ran.err) == (0, "")
    user = User.objects.get()
    assert (user.email, user.name, user.role, user.is_limited) == (
        "ada@gatehouse.example",
        "Ada",
        Role.MANAGER,
        False,
    )
    address = EmailAddress.objects.get()
    assert (address.verified, address.primary) == (True, True)
    assert signs_in(client, "ada@gatehouse.example", PASSWORD)
    assert PASSWORD not in ran.out + str(list(Entry.objects.values()))


def test_without_a_password_they_join_by_a_link_that_works_once(client: Client, settings: Any) -> None:
    settings.PUBLIC_URL = "https://gatehouse.example"
    ran = adduser("ada@gatehouse.example", "auditor", "--json").json
    assert (ran["done"], ran["joined"]) == ("added", False)
    assert ran["link"].startswith("https://gatehouse.example/join/")
    assert not mail.outbox
    path = ran["link"].removeprefix("https://gatehouse.example")
    joined = {"name": "Ada", "password": PASSWORD, "again": PASSWORD, "time_zone": "UTC"}
    assert not signs_in(Client(), "ada@gatehouse.example", PASSWORD)
    assert client.post(path, joined).status_code == 302
    assert client.get("/audit/").status_code == 200
    assert Client().post(path, joined).status_code == 404
    assert signs_in(Client(), "ada@gatehouse.example", PASSWORD)
    told = Entry.objects.filter(event__startswith="person.").order_by("number")
    told = told.exclude(event__startswith="person.sign_in")
    assert list(told.values_list("event", "actor_kind")) == [
        ("person.invite", Actor.OPERATOR),
        ("person.join", Actor.PERSON),
    ]


def test_the_same_again_sends_another_link_until_they_have_joined(client: Client) -> None:
    first = adduser("ada@gatehouse.example", "auditor", "--json").json["link"]
    ran = adduser("ADA@gatehouse.example", "manager", "--name", "Ada", "--json").json
    assert (ran["done"], ran["joined"]) == ("changed", False)
    assert ran["link"] != first
    assert client.get(urlsplit(first).path).status_code == 404
    assert client.get(urlsplit(ran["link"]).path).status_code == 200
    ran = adduser("ada@gatehouse.example", "manager", "--json", password=PASSWORD).json
    assert (ran["link"], ran["joined"]) == (None, True)
    assert not Invitation.objects.open().exists()
    assert signs_in(client, "ada@gatehouse.example", PASSWORD)
    ran = adduser("ada@gatehouse.example", "manager", "--json").json
    assert (ran["link"], ran["joined"]) == (None, True)


def test_somebody_who_was_switched_off_is_switched_on(client: Client) -> None:
    user = ManagerFactory(is_active=False)
    assert adduser(user.email, "manager").code == 0
    user.refresh_from_db()
    assert user.is_active


def test_a_session_left_from_before_does_not_wake_up_with_them(client: Client) -> None:
    user = AuditorFactory(is_active=False)
    client.force_login(user)
    key = client.session.session_key
    UserSession.objects.create(user=user, session_key=key, ip="192.0.2.1", user_agent="Firefox")
    assert adduser(user.email, "auditor").code == 0
    assert client.get("/audit/").status_code == 302
    assert not UserSession.objects.exists()


def test_who_was_on_stays_signed_in(client: Client) -> None:
    user = AuditorFactory()
    client.force_login(user)
    UserSession.objects.create(
        user=user, session_key=client.session.session_key, ip="192.0.2.1", user_agent="Firefox"
    )
    assert adduser(user.email, "auditor", "--name", "Ana").code == 0
    assert client.get("/audit/").status_code == 200


def test_a_family_admin_begins_now() -> None:
    family = FamilyFactory()
    began = timezone.now()
    ran = adduser("eve@house.example", "family-admin", "--family", family.residence_id, password=PASSWORD)
    assert ran.code == 0, ran.err
    grant = Grant.objects.get()
    assert grant.starts_at >= began
    assert list(Family.objects.visible_to(User.objects.get())) == [family]
    assert list(Entry.objects.order_by("number").values_list("event", "family_id")) == [
        ("person.add", None),
        ("grant.begin", family.pk),
    ]


def test_a_family_admin_who_is_a_member_is_tied_to_that_member() -> None:
    member = MemberFactory(email="Eve@House.example")
    MemberFactory(family=member.family)
    MemberFactory(email="eve@house.example")
    assert adduser("eve@house.example", "family-admin", "--family", member.family.residence_id).code == 0
    assert Grant.objects.get().member == member


def test_a_right_that_goes_on_keeps_its_beginning() -> None:
    grant = GrantFactory()
    other, third = FamilyFactory(), FamilyFactory()
    words = [word for family in (grant.family, other) for word in ("--family", family.residence_id)]
    assert adduser(grant.person.email, "family-admin", *words).code == 0
    assert Grant.objects.get(family=grant.family).starts_at == grant.starts_at
    assert adduser(grant.person.email, "family-admin", "--name", "Eve").code == 0
    assert set(Family.objects.visible_to(grant.person)) == {grant.family, other}
    assert adduser(grant.person.email, "family-admin", "--family", third.residence_id).code == 0
    assert set(Family.objects.visible_to(grant.person)) == {third}


def test_another_role_ends_what_the_first_one_reached() -> None:
    ManagerFactory()
    grant = GrantFactory()
    assert adduser(grant.person.email, "auditor", "--property", PropertyFactory().name).code == 0
    assert adduser(grant.person.email, "family-admin").code == 0
    user = User.objects.get(pk=grant.person.pk)
    assert (user.is_limited, user.property_limits.count()) == (False, 0)
    assert not Family.objects.visible_to(user).exists()


def test_a_limit_goes_on_until_it_is_lifted() -> None:
    ManagerFactory()
    tower = PropertyFactory(name="Tower A")
    assert adduser("bo@gatehouse.example", "manager", "--property", "Tower A").code == 0
    assert adduser("bo@gatehouse.example", "auditor").code == 0
    user = User.objects.get(email="bo@gatehouse.example")
    assert user.is_limited
    assert PropertyLimit.objects.get().property == tower
    assert adduser("bo@gatehouse.example", "auditor", "--unlimited").code == 0
    user.refresh_from_db()
    assert not user.is_limited
    assert not PropertyLimit.objects.exists()


@pytest.mark.parametrize("words", [["auditor"], ["manager", "--property", "Tower A"], ["family-admin"]])
def test_the_last_manager_of_everything_stays_one(words: list[str]) -> None:
    PropertyFactory(name="Tower A")
    ManagerFactory(is_limited=True)
    ManagerFactory(is_active=False)
    only = ManagerFactory()
    ran = adduser(only.email, *words)
    assert ran.is_one_line_of_trouble
    assert "last manager" in ran.err
    only.refresh_from_db()
    assert (only.role, only.is_limited) == (Role.MANAGER, False)
    ManagerFactory()
    assert adduser(only.email, *words).code == 0


def test_a_new_password_ends_open_sessions(client: Client) -> None:
    user = ManagerFactory()
    client.force_login(user)
    assert client.get("/audit/").status_code == 200
    assert adduser(user.email, "manager", password=PASSWORD).code == 0
    assert client.get("/audit/").status_code == 302


def test_a_role_that_is_taken_is_gone_at_the_next_request(client: Client) -> None:
    ManagerFactory()
    user = ManagerFactory()
    client.force_login(user)
    assert client.get("/audit/").status_code == 200
    assert adduser(user.email, "family-admin").code == 0
    assert client.get("/audit/").status_code == 403


@pytest.mark.parametrize(
    ("words", "password"),
    [
        (["nonsense", "--role", "manager"], ""),
        (["a@b.example,c@d.example", "--role", "manager"], ""),
        (["a@b.example\nBcc: c@d.example", "--role", "manager"], ""),
        (["a" * 250 + "@b.example", "--role", "manager"], ""),
        (["", "--role", "manager"], ""),
        (["a@b.example", "--role", "owner"], ""),
        (["a@b.example"], ""),
        (["a@b.example", "--role", "manager", "--property", "Nowhere"], ""),
        (["a@b.example", "--role", "family-admin", "--family", "rnone"], ""),
        (["a@b.example", "--role", "manager", "--family", "KNOWN"], ""),
        (["a@b.example", "--role", "family-admin", "--property", "Tower A"], ""),
        (["a@b.example", "--role", "manager", "--property", "Tower A", "--unlimited"], ""),
        (["a@b.example", "--role", "manager", "--name", "x" * 101], ""),
        (["a@b.example", "--role", "manager", "--name", "a\nb"], ""),
        (["a@b.example", "--role", "manager", "--password-stdin"], "short"),
        (["a@b.example", "--role", "manager", "--password-stdin"], "1qaz2wsx3edc"),
        (["a@b.example", "--role", "manager", "--password-stdin"], "1234567890123456"),
        (["a@b.example", "--role", "manager", "--password-stdin"], "a@b.example1"),
        (["a@b.example", "--role", "manager", "--password-stdin"], "x" * 9_000),
        (["a@b.example", "--role", "manager", "--password-stdin"], ""),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_stored(words: list[str], password: str) -> None:
    PropertyFactory(name="Tower A")
    FamilyFactory(residence_id="KNOWN")
    ran = run("adduser", *words, stdin=f"{password}\n")
    assert ran.is_one_line_of_trouble, ran
    assert not User.objects.exists()
    assert not EmailAddress.objects.exists()
    assert not Entry.objects.exists()


def test_an_unknown_family_is_told_to_sync_first() -> None:
    assert "sync" in adduser("a@b.example", "family-admin", "--family", "rnone").err


def test_a_property_is_made_changed_and_filled() -> None:
    families = [FamilyFactory(), FamilyFactory(property=PropertyFactory(name="Old"))]
    ran = run("property", " Tower A ", "--zone", "Europe/Lisbon", "--json")
    assert (ran.code, ran.json["done"], ran.json["families"]) == (0, "added", 0)
    words = [word for family in families for word in ("--family", family.residence_id)]
    ran = run("property", "Tower A", *words, *words[:2], "--json")
    assert (ran.json["done"], ran.json["families"], ran.json["zone"]) == ("changed", 2, "Europe/Lisbon")
    assert Property.objects.get(name="Old").families.count() == 0
    moved = Entry.objects.filter(event="family.place").order_by("number")
    assert [entry.family_id for entry in moved] == [family.pk for family in families]


@pytest.mark.parametrize(
    "words",
    [
        [""],
        ["x" * 101],
        ["a\nb"],
        ["Tower", "--zone", "Mars/Base"],
        ["Tower", "--zone", ""],
        ["Tower", "--family", "rnone"],
        ["Tower", "--family", "KNOWN", "--family", "rnone"],
        [],
    ],
)
def test_a_property_that_cannot_be_is_refused_in_one_line(words: list[str]) -> None:
    family = FamilyFactory(residence_id="KNOWN")
    ran = run("property", *words)
    assert ran.is_one_line_of_trouble, ran
    assert not Property.objects.exists()
    family.refresh_from_db()
    assert family.property is None
    assert not Entry.objects.exists()


def test_a_family_admin_sees_no_property() -> None:
    PropertyFactory()
    assert not Property.objects.visible_to(FamilyAdminFactory()).exists()
