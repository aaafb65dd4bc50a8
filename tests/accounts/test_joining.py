"""Taking up an invitation: once, in time, by the address and for the role it was sent for."""

import hashlib
import io
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts import joining
from portal.accounts.models import Invitation, Role, User
from portal.audit.models import Actor, Entry
from portal.web.logs import SecretPaths
from tests.factories import PASSWORD, InvitedFactory, ManagerFactory
from tests.families.house import a_trail_that_refuses

pytestmark = pytest.mark.django_db
TYPED = {"name": "Ana Núñez", "password": PASSWORD, "again": PASSWORD, "time_zone": "Europe/Lisbon"}


@pytest.fixture
def person() -> User:
    return InvitedFactory(email="ana@gatehouse.example", role=Role.AUDITOR)


@pytest.fixture
def path(person: User) -> str:
    """The path of a link that works."""
    return path_of(person)


def path_of(person: User, **details: Any) -> str:
    _, link = joining.issue(person, sent_by=ManagerFactory(name="Marta"), **details)
    return link.removeprefix("http://127.0.0.1:8000")


def secret_in(path: str) -> str:
    return path.removeprefix("/join/").rstrip("/")


def state() -> list[Any]:
    """Everything that joining would change."""
    return [*User.objects.order_by("pk").values(), *Invitation.objects.order_by("pk").values()]


class TestTheLink:
    def test_only_a_digest_of_32_random_bytes_is_kept(self, person: User) -> None:
        secret = secret_in(path_of(person))
        assert len(secret) == 43
        invitation = Invitation.objects.get()
        assert invitation.secret_digest == hashlib.sha256(secret.encode()).hexdigest()
        assert secret not in str(state())

    def test_it_says_who_invited_them_and_as_what(self, client: Client, path: str) -> None:
        page = client.get(path)
        assert page.status_code == 200
        for word in ("Marta", "ana@gatehouse.example", "Auditor", "at least 12 characters"):
            assert word in page.text

    @pytest.mark.parametrize("method", ["get", "head"])
    def test_looking_changes_nothing(self, client: Client, path: str, method: str) -> None:
        before = state()
        for _ in range(3):
            assert getattr(client, method)(path).status_code == 200
        assert state() == before
        assert not Entry.objects.exists()

    def test_its_page_is_kept_by_nobody_and_named_to_nobody(self, client: Client, path: str) -> None:
        for answer in (client.get(path), client.post(path, {}), client.get("/join/nothing/")):
            assert "no-store" in answer["Cache-Control"]
            assert answer["Referrer-Policy"] == "strict-origin"
            # htmx writes the address of the page it is loaded into where the browser keeps it.
            assert "htmx.min.js" not in answer.text
            assert not re.search(r'(?:src|href)="https?://', answer.text)

    def test_no_log_holds_it(self, client: Client, path: str, settings: Any) -> None:
        assert settings.LOGGING["handlers"]["console"]["filters"] == ["no-secrets"]
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.addFilter(SecretPaths())
        logging.getLogger().addHandler(handler)
        try:
            client.post(path, {})
            client.put(path)
            Client(enforce_csrf_checks=True).post(path, TYPED)
            client.get("/join/a-dead-secret/")
        finally:
            logging.getLogger().removeHandler(handler)
        said = stream.getvalue()
        assert said.count("/join/…/") == 4, said
        assert secret_in(path) not in said
        assert "a-dead-secret" not in said


class TestJoining:
    def test_they_get_a_name_and_a_password_and_are_signed_in(
        self, client: Client, person: User, path: str
    ) -> None:
        answer = client.post(path, TYPED)
        assert (answer.status_code, answer["Location"]) == (302, "/")
        person.refresh_from_db()
        assert (person.name, person.time_zone, person.role) == ("Ana Núñez", "Europe/Lisbon", Role.AUDITOR)
        assert person.is_active
        assert person.joined_at
        assert person.check_password(PASSWORD)
        address = EmailAddress.objects.get()
        assert (address.email, address.verified, address.primary) == (person.email, True, True)
        assert Invitation.objects.get().used_at
        assert client.get("/audit/").status_code == 200

    def test_the_trail_tells_it_and_knows_no_secret(self, client: Client, person: User, path: str) -> None:
        client.post(path, TYPED)
        entries = list(Entry.objects.order_by("number"))
        assert [entry.event for entry in entries] == ["person.join", "person.sign_in"]
        assert (entries[0].actor_kind, entries[0].actor_id, entries[0].object_id) == (
            Actor.PERSON,
            person.pk,
            person.public_id,
        )
        assert secret_in(path) not in str(list(Entry.objects.values()))
        assert PASSWORD not in str(list(Entry.objects.values()))

    def test_the_session_is_one_that_can_be_listed_and_ended(
        self, client: Client, person: User, path: str
    ) -> None:
        from portal.accounts.sessions import end_all

        client.post(path, TYPED)
        end_all(person)
        assert client.get("/audit/").status_code == 302

    def test_a_second_time_it_lets_nobody_in(self, client: Client, person: User, path: str) -> None:
        client.post(path, TYPED)
        before = state()
        again = Client().post(
            path, {**TYPED, "password": "another long sentence", "again": "another long sentence"}
        )
        assert again.status_code == 404
        assert "This link lets nobody in" in again.text
        assert state() == before

    def test_the_name_that_was_given_stands_there_already(self, client: Client) -> None:
        assert 'value="Ana"' in client.get(path_of(InvitedFactory(name="Ana"))).text

    def test_more_fields_than_are_asked_for_change_nothing(
        self, client: Client, person: User, path: str
    ) -> None:
        client.post(
            path, {**TYPED, "role": "manager", "is_limited": "1", "email": "x@y.example", "is_superuser": "1"}
        )
        person.refresh_from_db()
        assert (person.role, person.is_limited, person.email) == (
            Role.AUDITOR,
            False,
            "ana@gatehouse.example",
        )

    def test_without_a_trail_nobody_joins(self, client: Client, person: User, path: str) -> None:
        before = state()
        with a_trail_that_refuses():
            assert client.post(path, TYPED).status_code == 503
        assert state() == before
        assert client.post(path, TYPED).status_code == 302


class TestADeadLink:
    def dead(self, path: str) -> None:
        before = state()
        for answer in (Client().get(path), Client().post(path, TYPED)):
            assert answer.status_code == 404
            assert "This link lets nobody in" in answer.text
            assert "ana@gatehouse.example" not in answer.text
        assert state() == before
        assert not Entry.objects.exists()

    def test_after_72_hours(self, person: User) -> None:
        with time_machine.travel(timezone.now() - timedelta(hours=72, seconds=1)):
            path = path_of(person)
        self.dead(path)

    def test_until_then_it_works(self, client: Client, person: User) -> None:
        with time_machine.travel(timezone.now() - timedelta(hours=71)):
            path = path_of(person)
        assert client.post(path, TYPED).status_code == 302

    def test_a_newer_one_was_sent(self, client: Client, person: User) -> None:
        path, newer = path_of(person), path_of(person)
        self.dead(path)
        assert client.get(newer).status_code == 200

    def test_it_was_taken_back(self, person: User, path: str) -> None:
        joining.revoke(person)
        self.dead(path)

    def test_the_person_is_gone(self, person: User, path: str) -> None:
        person.delete()
        self.dead(path)

    @pytest.mark.parametrize("change", [{"role": Role.MANAGER}, {"email": "other@gatehouse.example"}])
    def test_it_was_sent_for_another_role_or_address(
        self, person: User, path: str, change: dict[str, str]
    ) -> None:
        User.objects.filter(pk=person.pk).update(**change)
        self.dead(path)

    def test_they_have_joined_by_another_way(self, person: User, path: str) -> None:
        User.objects.filter(pk=person.pk).update(joined_at=timezone.now(), is_active=True)
        self.dead(path)

    @pytest.mark.parametrize(
        "secret", ["x", "%20", "a" * 5_000, "%E2%80%AE", "%FF", "<b>", "'; DROP TABLE", "..%2e"]
    )
    def test_it_is_no_link_of_ours(self, person: User, path: str, secret: str) -> None:
        self.dead(f"/join/{secret}/")

    def test_the_words_are_the_same_for_all(self, person: User, path: str) -> None:
        joining.revoke(person)
        pages = {
            re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", Client().get(one).text)
            for one in (path, "/join/x/")
        }
        assert len(pages) == 1


class TestSomebodyElse:
    def test_who_is_signed_in_is_told_so_and_nothing_is_done(
        self, client: Client, person: User, path: str
    ) -> None:
        other = ManagerFactory(name="Morgan")
        client.force_login(other)
        before = state()
        assert client.get(path).status_code == 200
        answer = client.post(path, TYPED)
        assert answer.status_code == 409
        assert "Morgan" in answer.text
        assert reverse("account_logout") in answer.text
        assert state() == before
        assert [entry.event for entry in Entry.objects.all()] == ["person.sign_in"]

    def test_signing_out_leads_back_to_the_link(self, client: Client, path: str) -> None:
        client.force_login(ManagerFactory())
        answer = client.post(reverse("account_logout"), {"next": path})
        assert answer["Location"] == path
        assert client.post(path, TYPED).status_code == 302

    def test_a_dead_link_is_the_same_to_them_and_on_no_trail(self, client: Client) -> None:
        client.force_login(ManagerFactory())
        assert "This link lets nobody in" in client.get("/join/nothing/").text
        assert [entry.event for entry in Entry.objects.all()] == ["person.sign_in"]


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("name", "", "Type your name"),
        ("name", "  ", "spaces alone"),
        ("name", "\u3164\u2800", "cannot be seen"),
        ("name", "a\nb", "cannot be seen"),
        ("name", "a\x00b", "cannot be seen"),
        ("name", "x" * 101, "at most 100 characters"),
        ("password", "", "Choose a password"),
        ("password", "short", "at least 12 characters"),
        ("password", "ana@gatehouse", "too similar"),
        ("password", "123456789012345", "entirely numeric"),
        ("password", "1qaz2wsx3edc", "too common"),
        ("password", "x" * 1_001, "at most 1000 characters"),
        ("again", "another long sentence", "not the same password"),
        ("again", "", "a second time"),
        ("time_zone", "Mars/Base", "no such time zone"),
        ("time_zone", "", "Choose a time zone"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_nothing_is_lost(
    client: Client, path: str, field: str, typed: str, words: str
) -> None:
    before = state()
    answer = client.post(path, {**TYPED, field: typed, **({"again": typed} if field == "password" else {})})
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.text
    assert words in answer.text
    if field != "name":
        assert "Ana Núñez" in answer.text
    assert PASSWORD not in answer.text
    assert state() == before
    assert client.post(path, TYPED).status_code == 302


def test_it_needs_a_csrf_token(path: str) -> None:
    assert Client(enforce_csrf_checks=True).post(path, TYPED).status_code == 403
    assert not User.objects.filter(email="ana@gatehouse.example", is_active=True).exists()


class TestByAnAddressThatAnotherSignInVerified:
    def test_the_invited_may_join(self, person: User, path: str) -> None:
        found = joining.may_join_by_verified_address(" ANA@gatehouse.example")
        assert found == person
        joining.join_by_address(found)
        person.refresh_from_db()
        assert person.is_active
        assert not person.has_usable_password()
        assert Invitation.objects.get().used_at
        assert Entry.objects.get().event == "person.join"
        assert joining.find_invitation(secret_in(path)) is None

    def test_nobody_else_may(self, person: User, path: str) -> None:
        assert joining.may_join_by_verified_address("other@gatehouse.example") is None
        joining.revoke(person)
        assert joining.may_join_by_verified_address(person.email) is None
        with pytest.raises(joining.InvitationOver):
            joining.join_by_address(person)
