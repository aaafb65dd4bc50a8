"""The page of one family."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import Kind, Rights
from portal.audit.models import State
from portal.connections.models import Health
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyFactory,
    FamilyInvitationFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
    SyncStateFactory,
)
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db


def url(family, **query: str) -> str:
    return reverse("families:family_detail", args=[family.public_id], query=query)


@pytest.fixture
def house():
    """A family with a connection that works."""
    return ReachFactory(
        family__name="Casa Núñez",
        family__property=PropertyFactory(name="Harbour Court"),
        connection=ConnectionFactory(name="Tower account"),
    ).family


class TestPage:
    def test_it_shows_the_family_and_where_its_doors_and_log_are(self, client, manager, house):
        page = client.get(url(house)).text

        assert "<html" in page
        for word in ("Casa Núñez", "Harbour Court", "Online", "Tower account"):
            assert word in page
        doors = reverse("access:family_doors", args=[house.public_id])
        assert f'href="{doors}"' in page

    def test_htmx_gets_the_family_alone(self, client, manager, house):
        answer = client.get(url(house), headers=HTMX).text

        assert '<div id="family-detail">' in answer
        assert "<title>Casa Núñez · Gatehouse</title>" in answer
        assert 'id="family-frame"' not in answer
        assert "<html" not in answer

    def test_nobody_sees_it_without_signing_in(self, client, house):
        assert client.get(url(house))["Location"].startswith(reverse("account_login"))
        assert client.get(url(house), headers=HTMX)["HX-Redirect"] == reverse("account_login")

    @pytest.mark.parametrize("family_id", ["nothing-of-ours", "-", "x" * 500])
    def test_an_unknown_family_is_a_404(self, client, manager, family_id):
        assert client.get(f"/families/{family_id}/").status_code == 404

    def test_ids_of_the_upstream_lead_nowhere(self, client, manager, house):
        assert client.get(f"/families/{house.residence_id}/").status_code == 404
        assert client.get(f"/families/{house.pk}/").status_code == 404

    def test_only_looking_is_possible(self, client, manager, house):
        assert client.post(url(house)).status_code == 405

    def test_it_answers_while_the_upstream_is_switched_off_and_asks_it_nothing(
        self, client, manager, simulator
    ):
        reach = ReachFactory(connection=ConnectionFactory(base_url=simulator.url, health=Health.FAILING))
        simulator.stop()

        assert client.get(url(reach.family)).status_code == 200
        simulator.start()
        assert simulator.journal() == []

    def test_the_number_of_queries_stays_the_same(self, client, manager, house, django_assert_num_queries):
        def grow(count: int) -> None:
            MemberFactory.create_batch(count, family=house)
            for _ in range(count):
                FamilyInvitationFactory(family=house, sent_by=ManagerFactory())

        for kind in (Kind.MEMBERS, Kind.DEVICES, Kind.OPENINGS, Kind.CALLS):
            SyncStateFactory(family=house, kind=kind)
        grow(1)
        client.get(url(house))
        # Session and person, family, connections, owners, freshness, members and when they were read, who reaches it,
        # invitations, who looks after it, what is open of move-outs.
        with django_assert_num_queries(12):
            client.get(url(house))
        grow(12)
        with django_assert_num_queries(12):
            client.get(url(house))

    def test_markup_in_names_is_text(self, client, manager, house):
        MemberFactory(
            family=house, first_name='<img src=x onerror=alert(1) hx-get="/x">', last_name="{{ 7 }}"
        )
        FamilyInvitationFactory(family=house, email="<u>@x.example")

        page = client.get(url(house)).text

        assert "<img src=x" not in page
        assert "{{ 7 }}" in page
        assert "<u>@x" not in page


class TestPeople:
    def test_members_stand_by_rank_with_their_rights(self, client, manager, house):
        MemberFactory(family=house, first_name="Zoe", last_name="Last", auth=Rights.ADMIN)
        MemberFactory(family=house, first_name="Ana", last_name="Guest", auth=Rights.GUEST)
        MemberFactory(family=house, first_name="Bea", last_name="Admin", auth=Rights.USER)
        MemberFactory(family=house, first_name="Odd", last_name="One", auth="caretaker")
        MemberFactory(family=house, first_name="Gone", last_name="Person", gone_at=timezone.now())

        page = client.get(url(house)).text

        order = [page.index(name) for name in ("Zoe Last", "Bea Admin", "Ana Guest", "Odd One")]
        assert order == sorted(order)
        for word in ("Owner", "Administrator", "Member", "caretaker"):
            assert word in page
        assert "Gone Person" not in page

    def test_a_member_who_is_missing_says_since_when(self, client, manager, house):
        seen = timezone.now().replace(hour=14, minute=2, second=0)
        MemberFactory(family=house, missing_answers=1, missing_since=timezone.now(), last_seen_at=seen)

        page = client.get(url(house)).text

        assert '<span class="status__word">not seen</span></span> <time' in page
        assert ">since 14:02</time>" in page

    def test_the_portals_own_account_is_marked(self, client, manager, house):
        account = house.reaches.get().account_id
        MemberFactory(family=house, account_id=account, first_name="Estate", last_name="Office")
        MemberFactory(family=house)

        assert client.get(url(house)).text.count("own account") == 1

    def test_invitations_wait_until_they_are_accepted(self, client, manager, house):
        FamilyInvitationFactory(family=house, email="waiting@x.example")
        FamilyInvitationFactory(family=house, email="joined@x.example", accepted_at=timezone.now())
        FamilyInvitationFactory(family=house, email="perhaps@x.example", command__state=State.UNKNOWN)
        FamilyInvitationFactory(family=house, email="refused@x.example", command__state=State.REFUSED)
        FamilyInvitationFactory(family=house, email="unsent@x.example", command__state=State.NOT_SENT)

        page = client.get(url(house)).text

        assert "waiting@x.example" in page
        assert "perhaps@x.example" in page
        assert "May have been sent" in page
        assert "status--unknown" in page
        for email in ("joined", "refused", "unsent"):
            assert f"{email}@x.example" not in page

    def test_of_invitations_to_one_address_the_last_is_shown(self, client, manager, house):
        now = timezone.now()
        FamilyInvitationFactory(family=house, email="Anna@x.example", sent_at=now - timedelta(days=1))
        FamilyInvitationFactory(family=house, email="anna@x.example", command__state=State.UNKNOWN)

        page = client.get(url(house)).text

        assert "anna@x.example" in page
        assert "Anna@x.example" not in page
        assert "May have been sent" in page


class TestWords:
    def test_how_old_each_kind_is(self, client, manager, house):
        SyncStateFactory(family=house, kind=Kind.MEMBERS)
        SyncStateFactory(
            family=house,
            kind=Kind.OPENINGS,
            last_good_at=timezone.now() - timedelta(hours=5),
            last_error="no answer",
        )
        SyncStateFactory(family=house, kind=Kind.CALLS, last_good_at=None)

        page = client.get(url(house)).text

        assert "not read yet" in page
        assert "no answer" in page
        assert page.count("freshness--stale") == 2

    def test_a_family_that_is_gone_says_so_and_offers_nothing(self, client, manager, house):
        house.gone_at = timezone.now()
        house.save()

        page = client.get(url(house, edit="name")).text

        assert "This family is gone" in page
        assert reverse("families:member_invite", args=[house.public_id]) not in page
        assert reverse("families:family_rename", args=[house.public_id]) not in page

    def test_a_connection_that_is_signed_out_is_named(self, client, manager, house):
        connection = house.reaches.get().connection
        connection.health = Health.SIGNED_OUT
        connection.save()

        assert "“Tower account” is signed out" in client.get(url(house)).text

    @pytest.mark.parametrize(
        ("days", "words"), [(0, "since 09:30"), (1, "since yesterday 09:30"), (3, "since "), (40, "since ")]
    )
    def test_since_when_it_is_offline(self, client, manager, house, days, words):
        then = timezone.now().replace(hour=9, minute=30) - timedelta(days=days)
        house.is_online, house.online_changed_at = False, then
        house.save()
        if days > 6:
            words += f"{then.day} {then:%b %Y}"
        elif days > 1:
            words += f"{then:%A} 09:30"

        assert f">{words}</time>" in client.get(url(house)).text


class TestScope:
    def test_an_auditor_sees_it_and_no_form(self, client, house):
        client.force_login(AuditorFactory())

        page = client.get(url(house, edit="name")).text

        assert "Casa Núñez" in page
        assert reverse("families:family_rename", args=[house.public_id]) not in page
        assert reverse("families:member_invite", args=[house.public_id]) not in page

    def test_a_family_admin_sees_their_family(self, client, house):
        client.force_login(GrantFactory(family=house).person)

        page = client.get(url(house)).text

        assert "Casa Núñez" in page
        assert "Tower account" not in page

    def test_another_family_is_a_404(self, client, house):
        client.force_login(GrantFactory().person)

        answer = client.get(url(house))

        assert answer.status_code == 404
        assert "Núñez" not in answer.text

    @pytest.mark.parametrize(
        "grant",
        [
            {"starts_at": timezone.now() + timedelta(days=1)},
            {"ends_at": timezone.now() - timedelta(seconds=1)},
            {"suspended_at": timezone.now() - timedelta(seconds=1)},
        ],
        ids=["not begun", "over", "suspended"],
    )
    def test_a_grant_that_does_not_hold_is_a_404(self, client, house, grant):
        client.force_login(GrantFactory(family=house, **grant).person)

        assert client.get(url(house)).status_code == 404

    def test_a_limited_manager_sees_their_propertys_families_only(self, client, house):
        limit = PropertyLimitFactory()
        client.force_login(limit.person)

        assert client.get(url(house)).status_code == 404
        assert client.get(url(FamilyFactory(property=limit.property))).status_code == 200

    def test_what_was_before_the_grant_stays_hidden(self, client, house):
        grant = GrantFactory(family=house, starts_at=timezone.now() - timedelta(days=1))
        before, after = grant.starts_at - timedelta(hours=1), grant.starts_at + timedelta(hours=1)
        FamilyInvitationFactory(family=house, email="former@x.example", sent_at=before)
        FamilyInvitationFactory(family=house, email="new@x.example", sent_at=after)
        client.force_login(grant.person)

        page = client.get(url(house)).text

        assert "new@x.example" in page
        assert "former@x.example" not in page

    def test_anothers_personal_connection_is_not_told(self, client, manager, house):
        ReachFactory(
            family=house, connection=ConnectionFactory(name="Private account", owner=ManagerFactory())
        )

        assert "Private account" not in client.get(url(house)).text


class TestFormsWithoutAScript:
    def test_the_name_is_changed_in_place(self, client, manager, house):
        page = client.get(url(house, edit="name")).text

        assert f'action="{reverse("families:family_rename", args=[house.public_id])}"' in page
        assert 'value="Casa Núñez"' in page

    def test_the_invitation_is_written_on_the_page(self, client, manager, house):
        page = client.get(url(house, edit="invitation")).text

        assert f'action="{reverse("families:member_invite", args=[house.public_id])}"' in page

    @pytest.mark.parametrize(("name", "edit"), [("family_rename", "name"), ("member_invite", "invitation")])
    def test_a_forms_address_opened_directly_leads_to_the_page(self, client, manager, house, name, edit):
        answer = client.get(reverse(f"families:{name}", args=[house.public_id]))

        assert answer.status_code == 302
        assert answer["Location"].startswith(url(house, edit=edit))
