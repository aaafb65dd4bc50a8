"""Where a second factor is required: managers and auditors get to nothing but setting one up."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts import second_factor
from portal.accounts.models import User
from portal.policies import POLICIES
from tests.accounts.factors import person, with_app
from tests.accounts.signing_in import sign_in_recently
from tests.factories import AuditorFactory, FamilyAdminFactory, ManagerFactory

pytestmark = pytest.mark.django_db
PAGE = "/account/second-factor/"
HTMX = {"HX-Request": "true"}
ASKING = [
    name
    for name, policy in POLICIES.items()
    if policy.needs_second_factor and not policy.is_open and not policy.objects and "GET" in policy.methods
]


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.mark.parametrize("factory", [ManagerFactory, AuditorFactory])
class TestWithoutOne:
    def test_every_page_leads_to_setting_one_up(self, client: Client, factory: Any) -> None:
        user = factory()
        sign_in_recently(client, user)
        assert len(ASKING) > 5
        for name in ASKING:
            if POLICIES[name].admits(user):
                answer = client.get(reverse(name))
                assert (answer.status_code, answer["Location"]) == (302, PAGE), name
                answer = client.get(reverse(name), headers=HTMX)
                assert (answer.status_code, answer["HX-Redirect"]) == (204, PAGE), name
                assert answer.content == b""

    def test_a_form_is_not_taken(self, client: Client, factory: Any) -> None:
        sign_in_recently(client, factory())
        for headers in ({}, HTMX):
            answer = client.post("/families/x/name/", {"name": "y"}, headers=headers)
            assert answer.status_code in {302, 204, 403}

    def test_the_pages_for_setting_one_up_are_open(self, client: Client, factory: Any) -> None:
        sign_in_recently(client, factory())
        page = client.get(PAGE)
        assert page.status_code == 200
        assert "Set up a second factor" in page.content.decode()
        assert client.get(f"{PAGE}app/").status_code == 200
        assert client.get(f"{PAGE}passkeys/").status_code == 200
        assert client.post("/account/logout/").status_code == 302

    def test_once_it_is_there_so_is_everything(self, client: Client, factory: Any) -> None:
        user = factory()
        sign_in_recently(client, user)
        assert client.get("/log/").status_code == 302
        with_app(user)
        assert client.get("/log/").status_code == 200


def test_a_family_admin_may_do_without(client: Client) -> None:
    client.force_login(FamilyAdminFactory())
    assert client.get("/log/").status_code == 200


def test_where_it_is_not_required_nobody_is_asked(client: Client, settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = False
    client.force_login(ManagerFactory())
    assert client.get("/log/").status_code == 200


class TestTheLastOne:
    def removal(self, client: Client, user: User) -> str:
        sign_in_recently(client, user)
        factors = second_factor.get_factors(user)
        factor = factors.app or factors.passkeys[0]
        client.post(f"{PAGE}{factor.public_id}/removal/")
        return client.get(PAGE).content.decode()

    def test_stays(self, client: Client) -> None:
        user = person()
        with_app(user)
        assert "only second factor" in self.removal(client, user)
        assert second_factor.get_factors(user).app

    def test_of_somebody_who_may_do_without_goes(self, client: Client) -> None:
        user: User = FamilyAdminFactory()  # type: ignore[assignment, no-untyped-call]
        with_app(user)
        self.removal(client, user)
        assert second_factor.get_factors(user).app is None
