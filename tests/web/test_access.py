"""The table of policies and what holds people to it: roles, methods, limits, and what a form names."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from families.models import Family
from portal.accounts.models import User
from portal.policies import ACTORS, MANAGERS, POLICIES, REVIEWERS
from portal.web.access import GET_POST, POST, Policy, may_visit
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    PropertyLimitFactory,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


class TestWhomAPolicyAdmits:
    def test_without_roles_it_is_for_whoever_is_signed_in(self) -> None:
        for person in (ManagerFactory(), AuditorFactory(), FamilyAdminFactory()):
            assert Policy().admits(person)

    @pytest.mark.parametrize(
        ("roles", "admitted"),
        [
            (MANAGERS, ["manager"]),
            (REVIEWERS, ["manager", "auditor"]),
            (ACTORS, ["manager", "family_admin"]),
        ],
    )
    def test_with_roles_for_these_alone(self, roles: frozenset[str], admitted: list[str]) -> None:
        people = [ManagerFactory(), AuditorFactory(), FamilyAdminFactory()]
        assert [person.role for person in people if Policy(roles=roles).admits(person)] == admitted

    def test_one_for_unlimited_people_admits_no_limited_one(self) -> None:
        policy = Policy(roles=REVIEWERS, unlimited_only=True)
        assert policy.admits(ManagerFactory())
        assert not policy.admits(ManagerFactory(is_limited=True))
        assert not policy.admits(AuditorFactory(is_limited=True))

    def test_a_link_is_shown_to_whom_its_address_admits(self) -> None:
        assert may_visit(AuditorFactory(), "audit:entry_list")
        assert not may_visit(FamilyAdminFactory(), "audit:entry_list")
        assert not may_visit(ManagerFactory(), "nowhere:at_all")


@pytest.fixture
def manager(client: Client) -> User:
    person = ManagerFactory()
    client.force_login(person)
    return person


class TestAnAddressIsHeldToItsPolicy:
    def test_without_one_nobody_may_come(
        self, client: Client, manager: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(POLICIES, "desk:search")
        assert client.get("/search/").status_code == 403
        assert Client().get("/search/").status_code == 403

    def test_without_one_nobody_may_come_either_where_everybody_might(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(POLICIES, "healthz")
        assert Client().get("/healthz").status_code == 403

    def test_a_method_it_does_not_name_is_refused_and_the_others_are_told(
        self, client: Client, manager: User
    ) -> None:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
            answer = client.generic(method, "/families/")
            assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
    def test_no_header_makes_another_method_of_it(self, client: Client, manager: User, header: str) -> None:
        family = FamilyFactory(name="Before")
        url = reverse("families:family_rename", args=[family.public_id])
        assert client.get(f"{url}?name=After&_method=POST", headers={header: "POST"}).status_code == 302
        assert client.post(reverse("families:family_list"), headers={header: "GET"}).status_code == 405
        assert Family.objects.get().name == "Before"

    def test_the_role_is_asked_before_the_method(self, client: Client) -> None:
        client.force_login(AuditorFactory())
        url = reverse("access:opening_create", args=["x", "y"])
        assert [client.post(url).status_code, client.get(url).status_code] == [403, 403]

    @pytest.mark.parametrize(
        "headers",
        [
            {"HX-Request": "false"},
            {"HX-Request": "true", "HX-Boosted": "true"},
            {"HX-Request": "true", "HX-History-Restore-Request": "true"},
            {"HX-Request": "true", "HX-Current-URL": "https://elsewhere.example/", "HX-Target": "#notices"},
            {"HX-Request": "true", "HX-Current-URL": "javascript:alert(1)", "HX-Prompt": "<b>"},
            {"HX-Request": "TRUE\u00a0"},
        ],
    )
    def test_no_forged_header_of_htmx_lets_anybody_in(self, client: Client, headers: dict[str, str]) -> None:
        stranger, family = FamilyAdminFactory(), FamilyFactory()
        url = reverse("families:family_detail", args=[family.public_id])
        answer = client.get(url, headers=headers)
        assert answer.status_code in {204, 302}
        assert "elsewhere.example" not in str(answer.headers)
        client.force_login(stranger)
        answer = client.get(url, headers=headers)
        assert answer.status_code == 404
        assert "elsewhere.example" not in str(answer.headers)

    @pytest.mark.parametrize(
        "to",
        ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"],
    )
    def test_a_next_that_leads_elsewhere_is_not_followed(self, client: Client, to: str) -> None:
        from portal.accounts.people import verify_address
        from tests.factories import PASSWORD

        person = ManagerFactory()
        verify_address(person)
        answer = client.post("/account/login/", {"login": person.email, "password": PASSWORD, "next": to})
        assert answer.status_code == 302
        assert answer["Location"] == "/"


class TestWhatAFormNames:
    """A field of a form that names an object is held to the same rule as the address."""

    @pytest.fixture(autouse=True)
    def form(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Any form will do: it is refused before its view would say that it lacks a press.
        policy = Policy(
            GET_POST,
            ACTORS,
            objects={"family_id": "family"},
            body={"families": "family", "property": "property"},
        )
        monkeypatch.setitem(POLICIES, "families:family_rename", policy)

    def post(self, client: Client, family: Family, **fields: Any) -> int:
        url = reverse("families:family_rename", args=[family.public_id])
        return client.post(url, {"name": ""} | fields).status_code

    def test_what_is_ones_own_is_let_through(self, client: Client) -> None:
        limit = PropertyLimitFactory()
        one, two = (FamilyFactory(property=limit.property) for _ in range(2))
        client.force_login(limit.person)
        fields = {"families": [one.public_id, two.public_id], "property": limit.property.public_id}
        assert self.post(client, one, **fields) == 422

    def test_nothing_named_is_nothing_refused(self, client: Client, manager: User) -> None:
        assert self.post(client, FamilyFactory()) == 422
        assert self.post(client, FamilyFactory(), families="", property="") == 422

    def test_somebody_elses_is_not_there(self, client: Client) -> None:
        grant, foreign = GrantFactory(), FamilyFactory()
        client.force_login(grant.person)
        own = grant.family
        assert self.post(client, own, families=foreign.public_id) == 404
        assert self.post(client, own, families=[own.public_id, foreign.public_id]) == 404
        assert self.post(client, own, property=PropertyLimitFactory().property.public_id) == 404

    @pytest.mark.parametrize("value", ["x", "1", "\x00", "A" * 5_000, "\u202e\ud83d\ude00", " ", "' OR 1=1"])
    def test_what_never_was_is_not_there(self, client: Client, manager: User, value: str) -> None:
        text = value.encode("utf-16", "surrogatepass").decode("utf-16")
        assert self.post(client, FamilyFactory(), families=text) == 404

    def test_the_same_twice_is_once(self, client: Client, manager: User) -> None:
        family = FamilyFactory()
        assert self.post(client, family, families=[family.public_id] * 2) == 422

    def test_looking_at_the_form_asks_for_nothing(self, client: Client, manager: User) -> None:
        url = reverse("families:family_rename", args=[FamilyFactory().public_id])
        assert client.get(f"{url}?families=x", headers=HTMX).status_code == 200

    def test_a_form_without_a_token_of_ours_is_refused_before(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(ManagerFactory())
        assert self.post(client, FamilyFactory(), families="x") == 403


def test_only_a_post_says_what_a_form_names() -> None:
    for name, policy in POLICIES.items():
        if policy.body:
            assert policy.methods & POST, name
