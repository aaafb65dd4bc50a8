"""Signing in at the company's provider: who gets in, who does not, and what is said and written down of it."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core import mail
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from portal.accounts import joining
from portal.accounts.models import Invitation, Role, User
from portal.accounts.people import verify_address
from portal.audit.models import Entry
from tests.accounts.openids import BEGIN, begin, come_back, is_signed_in, sign_in
from tests.audit.trails import holds
from tests.consoles import run
from tests.factories import UserFactory
from tests.families.house import a_trail_that_refuses
from tests.plugins.openid import Provider

pytestmark = pytest.mark.django_db
EMAIL = "ada@company.example"


def person(**fields: Any) -> User:
    found = UserFactory(email=EMAIL, joined_at=timezone.now(), **fields)
    verify_address(found)
    return found


def invited(**fields: Any) -> tuple[User, str]:
    found = UserFactory(email=EMAIL, role=Role.AUDITOR, is_active=False, joined_at=None, **fields)
    return found, joining.issue(found, sent_by=None)[1]


def told(event: str) -> list[str]:
    return list(Entry.objects.filter(event=event).order_by("number").values_list("parameters", flat=True))


class TestWhoGetsIn:
    def test_somebody_who_is_here_is_signed_in_and_the_trail_tells_it(
        self, client: Client, provider: Provider
    ) -> None:
        ada = person()
        answer = sign_in(client, provider)
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert client.session["_auth_user_id"] == str(ada.pk)
        linked = SocialAccount.objects.get()
        assert (linked.user, linked.provider, linked.uid) == (ada, provider.url, "ada-1")
        assert linked.extra_data == {}
        events = list(Entry.objects.order_by("number").values_list("event", "actor_name"))
        assert events == [("person.openid_link", str(ada)), ("person.sign_in", str(ada))]
        assert "ada-1" in told("person.openid_link")[0]
        assert holds()

    def test_the_second_time_nothing_is_linked_again(self, client: Client, provider: Provider) -> None:
        person()
        for visitor in (client, Client()):
            assert sign_in(visitor, provider).status_code == 302
            assert is_signed_in(visitor)
        assert SocialAccount.objects.count() == 1
        assert len(told("person.openid_link")) == 1

    def test_the_address_counts_in_any_case(self, client: Client, provider: Provider) -> None:
        person()
        provider.person["email"] = "Ada@Company.EXAMPLE"
        sign_in(client, provider)
        assert is_signed_in(client)

    def test_who_was_invited_joins_by_it(self, client: Client, provider: Provider) -> None:
        ada, link = invited()
        sign_in(client, provider)
        assert is_signed_in(client)
        ada.refresh_from_db()
        assert ada.is_active
        assert ada.joined_at
        assert ada.role == Role.AUDITOR
        assert not ada.has_usable_password() or ada.check_password("a long enough sentence")
        assert EmailAddress.objects.get(user=ada).verified
        assert Invitation.objects.get().used_at
        # The link of the invitation is used up with it.
        assert joining.find_invitation(link.rpartition("/join/")[2].strip("/")) is None
        assert [entry.event for entry in Entry.objects.order_by("number")] == [
            "person.join",
            "person.openid_link",
            "person.sign_in",
        ]

    def test_one_comes_back_to_where_one_wanted_to_go(self, client: Client, provider: Provider) -> None:
        person()
        assert sign_in(client, provider, next="/log/?result=refused")["Location"] == "/log/?result=refused"

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
    def test_and_nowhere_else(self, client: Client, provider: Provider, target: str) -> None:
        person()
        assert sign_in(client, provider, next=target)["Location"] == "/"

    def test_a_userinfo_answer_is_asked_for_where_the_token_says_no_address(
        self, client: Client, provider: Provider
    ) -> None:
        person()
        provider.userinfo = dict(provider.person)
        provider.person = {"sub": "ada-1"}
        sign_in(client, provider)
        assert is_signed_in(client)

    def test_no_token_and_no_word_about_the_person_is_kept(self, client: Client, provider: Provider) -> None:
        person()
        provider.person["phone_number"] = "+351 canary"
        sign_in(client, provider)
        assert not SocialToken.objects.exists()
        kept = str([list(table.objects.values()) for table in (SocialAccount, User, Entry)])
        assert "canary" not in kept + str(dict(client.session.items()))
        assert mail.outbox == []

    def test_whoever_is_signed_in_already_stays_who_they_are(
        self, client: Client, provider: Provider
    ) -> None:
        client.force_login(UserFactory())
        assert client.post(BEGIN)["Location"] == "/"
        assert provider.journal == []

    def test_the_second_factor_is_still_asked_for(self, client: Client, provider: Provider) -> None:
        TOTP.activate(person(), "JBSWY3DPEHPK3PXP")
        assert Authenticator.objects.exists()
        answer = sign_in(client, provider)
        assert answer["Location"].startswith("/account/second-factor/")
        assert not is_signed_in(client)
        assert told("person.sign_in") == []

    def test_a_second_factor_that_is_required_must_be_set_up_first(
        self, client: Client, provider: Provider, settings: Any
    ) -> None:
        settings.SECOND_FACTOR_REQUIRED = True
        person()
        sign_in(client, provider)
        assert client.get("/families/")["Location"].startswith("/account/second-factor/")


@pytest.mark.django_db(transaction=True)
def test_of_two_first_sign_ins_at_once_both_get_in_and_one_links(provider: Provider) -> None:
    invited()
    clients = [Client(), Client()]
    urls = [provider.visit(begin(client)) for client in clients]
    barrier = threading.Barrier(2)

    def arrive(client: Client, url: str) -> None:
        barrier.wait()
        come_back(client, url)
        database.close()

    threads = [threading.Thread(target=arrive, args=pair) for pair in zip(clients, urls, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [is_signed_in(client) for client in clients] == [True, True]
    assert SocialAccount.objects.count() == 1
    assert len(told("person.join")) == len(told("person.openid_link")) == 1


class TestWhoDoesNot:
    def refused(self, client: Client, provider: Provider, words: str, status: int = 403) -> str:
        answer = sign_in(client, provider)
        assert answer.status_code == status
        assert words in answer.text
        assert not is_signed_in(client)
        assert told("person.sign_in") == []
        (entry,) = Entry.objects.filter(event="person.sign_in_failed")
        assert entry.outcome == "refused"
        assert holds()
        return str(entry.parameters) + entry.actor_name

    @pytest.mark.parametrize("claim", [False, None, "true", 1, "yes", [True]])
    @pytest.mark.parametrize("exists", [True, False])
    def test_an_address_that_was_not_verified_says_nothing_of_who_is_here(
        self, client: Client, provider: Provider, claim: Any, exists: bool
    ) -> None:
        if exists:
            person()
        provider.person["email_verified"] = claim
        entry = self.refused(client, provider, "has not verified your e-mail address")
        assert "unverified" in entry
        assert EMAIL not in entry
        assert not SocialAccount.objects.exists()

    @pytest.mark.parametrize(
        "email", [None, "", " ", "ada", "ada@company.example,eve@company.example", "ad\u0430@company.example"]
    )
    def test_without_a_plain_address_nobody_is_known(
        self, client: Client, provider: Provider, email: str | None
    ) -> None:
        person()
        provider.person["email"] = email
        self.refused(client, provider, "did not say your e-mail address")

    def test_a_letter_that_becomes_another_in_lower_case_is_no_way_in(
        self, client: Client, provider: Provider
    ) -> None:
        UserFactory(email="kim@company.example", joined_at=timezone.now())
        provider.person["email"] = "\u212aim@company.example"
        self.refused(client, provider, "did not say your e-mail address")

    def test_nobody_signs_up(self, client: Client, provider: Provider) -> None:
        entry = self.refused(client, provider, "Nobody is invited as ada@company.example")
        assert EMAIL in entry
        assert not User.objects.exists()
        assert not SocialAccount.objects.exists()

    def test_somebody_who_was_switched_off_stays_out(self, client: Client, provider: Provider) -> None:
        person(is_active=False)
        self.refused(client, provider, "is switched off")
        assert not SocialAccount.objects.exists()

    def test_somebody_who_was_switched_off_after_the_first_time_stays_out(
        self, client: Client, provider: Provider
    ) -> None:
        ada = person()
        sign_in(Client(), provider)
        User.objects.filter(pk=ada.pk).update(is_active=False)
        answer = sign_in(client, provider)
        assert (answer.status_code, "is switched off" in answer.text) == (403, True)
        assert not is_signed_in(client)

    @pytest.mark.parametrize("how", ["revoked", "expired"])
    def test_an_invitation_that_is_over_lets_nobody_in(
        self, client: Client, provider: Provider, how: str
    ) -> None:
        ada, _ = invited()
        ended = timezone.now() - timedelta(seconds=1)
        Invitation.objects.update(**({"revoked_at": ended} if how == "revoked" else {"expires_at": ended}))
        self.refused(client, provider, "The invitation of ada@company.example is over")
        ada.refresh_from_db()
        assert not ada.is_active
        assert not SocialAccount.objects.exists()

    def test_another_account_there_with_the_same_address_is_refused(
        self, client: Client, provider: Provider
    ) -> None:
        ada = person()
        SocialAccount.objects.create(user=ada, provider=provider.url, uid="somebody-else")
        self.refused(client, provider, "signs in here by another account of Example &amp; Sons")
        assert SocialAccount.objects.get().uid == "somebody-else"

    def test_a_known_account_whose_address_changed_there_is_refused(
        self, client: Client, provider: Provider
    ) -> None:
        person()
        UserFactory(email="boss@company.example")
        sign_in(Client(), provider)
        provider.person["email"] = "boss@company.example"
        answer = sign_in(client, provider)
        assert answer.status_code == 403
        assert "known here by another address" in answer.text
        assert "ada@" not in answer.text
        assert not is_signed_in(client)

    def test_the_same_name_at_another_provider_is_another_account(
        self, client: Client, provider: Provider
    ) -> None:
        other = UserFactory(email="bo@company.example")
        SocialAccount.objects.create(user=other, provider="https://before.example", uid="ada-1")
        ada = person()
        sign_in(client, provider)
        assert client.session["_auth_user_id"] == str(ada.pk)

    def test_nobody_is_signed_in_without_a_trail(self, client: Client, provider: Provider) -> None:
        invited()
        url = provider.visit(begin(client))
        with a_trail_that_refuses():
            answer = client.get(url.removeprefix("http://127.0.0.1:8000"))
        assert answer.status_code == 503
        assert not is_signed_in(client)
        assert not User.objects.get().is_active
        assert not SocialAccount.objects.exists()


class TestForgetting:
    def test_an_account_made_anew_there_is_let_in_after_the_old_one_was_forgotten(
        self, client: Client, provider: Provider
    ) -> None:
        person()
        sign_in(Client(), provider)
        provider.person["sub"] = "ada-2"
        assert sign_in(client, provider).status_code == 403
        ran = run("forget_openid", "Ada@company.example", "--json")
        assert (ran.code, ran.err) == (0, "")
        assert ran.json["forgotten"] == [{"issuer": provider.url, "subject": "ada-1"}]
        assert "ada-1" in told("person.openid_unlink")[0]
        sign_in(client, provider)
        assert is_signed_in(client)
        assert SocialAccount.objects.get().uid == "ada-2"

    def test_who_has_none_is_left_alone(self) -> None:
        person()
        assert "nothing was changed" in run("forget_openid", EMAIL).out
        assert told("person.openid_unlink") == []

    def test_an_address_of_nobody_is_one_line_of_trouble(self) -> None:
        assert run("forget_openid", "nobody@company.example").is_one_line_of_trouble
