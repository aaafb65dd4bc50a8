"""Families given to a family admin: from a day on, to a day, and taken back."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from families.models import Family, Grant
from portal.accounts import joining
from portal.accounts.models import Role
from portal.audit.models import Entry
from tests.factories import (
    AuditorFactory,
    ChangeFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    InvitedFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX
from tests.families.peopling import address, everything

pytestmark = pytest.mark.django_db
LISBON = ZoneInfo("Europe/Lisbon")


@pytest.fixture
def family() -> Family:
    return FamilyFactory(name="Casa Lima", property=PropertyFactory(time_zone="Europe/Lisbon"))


def give(client, person, *families, **fields):
    ids = [family.public_id for family in families]
    return client.post(address("grant_begin", person), {"family": ids} | fields)


class TestGiving:
    def test_from_now_on_and_nothing_from_before(self, client, manager, family):
        person = FamilyAdminFactory()
        ChangeFactory(family=family, before="Old name")
        answer = give(client, person, family)
        assert answer["Location"] == address("person_detail", person)
        theirs = Client()
        theirs.force_login(person)
        page = theirs.get(f"/families/{family.public_id}/")
        assert page.status_code == 200
        assert "Old name" not in page.text
        [entry] = Entry.objects.filter(event="grant.begin")
        assert (entry.family_id, entry.object_id, entry.actor_id) == (family.pk, person.public_id, manager.pk)

    def test_days_count_where_the_family_is(self, client, manager, family):
        with time_machine.travel(datetime(2027, 3, 1, 12, tzinfo=LISBON)):
            client.force_login(manager)
            give(client, FamilyAdminFactory(), family, starts_on="2027-03-10", ends_on="2027-03-31")
        grant = Grant.objects.get()
        assert grant.starts_at == datetime(2027, 3, 10, tzinfo=LISBON)
        # The clocks went forward meanwhile.
        assert grant.ends_at == datetime(2027, 4, 1, tzinfo=LISBON)

    def test_before_its_first_day_and_after_its_last_it_shows_nothing(self, client, manager, family):
        person = FamilyAdminFactory()
        now = timezone.now()
        day = (now.astimezone(LISBON) + timedelta(days=3)).date()
        give(client, person, family, starts_on=f"{day}", ends_on=f"{day}")
        for days, sees in ((0, 0), (3, 1), (4, 0)):
            at = datetime.combine(now.astimezone(LISBON).date(), datetime.min.time(), LISBON)
            with time_machine.travel(at + timedelta(days=days, hours=12)):
                assert Family.objects.visible_to(person).count() == sees, days

    def test_today_begins_now(self, client, manager, family):
        give(client, FamilyAdminFactory(), family, starts_on=f"{timezone.now().astimezone(LISBON).date()}")
        assert timezone.now() - Grant.objects.get().starts_at < timedelta(minutes=1)

    def test_it_is_tied_to_the_member_of_that_address(self, client, manager, family):
        person = FamilyAdminFactory()
        member = MemberFactory(family=family, email=person.email.upper())
        give(client, person, family)
        assert Grant.objects.get().member == member

    def test_one_that_is_there_is_not_given_twice(self, client, manager, family):
        grant = GrantFactory(family=family, ends_at=timezone.now() + timedelta(days=9))
        other = FamilyFactory()
        before = everything()
        answer = give(client, grant.person, other, family)
        assert answer.status_code == 422
        assert "has “Casa Lima” already" in answer.text
        assert f'value="{other.public_id}" checked' in answer.text
        assert everything() == before

    def test_a_suspended_one_is_replaced(self, client, manager, family):
        grant = GrantFactory(family=family, suspended_at=timezone.now())
        assert give(client, grant.person, family).status_code == 302
        assert Family.objects.visible_to(grant.person).get() == family
        grant.refresh_from_db()
        assert grant.ends_at is not None

    def test_one_that_is_over_is_no_obstacle(self, client, manager, family):
        grant = GrantFactory(family=family, ends_at=timezone.now() - timedelta(minutes=1))
        give(client, grant.person, family)
        assert Grant.objects.now().get().starts_at > grant.ends_at

    @pytest.mark.parametrize(
        ("fields", "place"),
        [
            ({"starts_on": "2020-01-01"}, "id_starts_on_error"),
            ({"ends_on": "2020-01-01"}, "id_ends_on_error"),
            ({"starts_on": "2031-05-02", "ends_on": "2031-05-01"}, "id_ends_on_error"),
            ({"starts_on": "soon"}, "id_starts_on_error"),
            ({"family": []}, "family-error"),
        ],
    )
    def test_what_cannot_be_is_said_beside_the_field(self, client, manager, family, fields, place):
        person = FamilyAdminFactory()
        before = everything()
        for headers in ({}, HTMX):
            typed = {"family": family.public_id} | fields
            answer = client.post(address("grant_begin", person), typed, headers=headers)
            assert answer.status_code == 422
            assert f'id="{place}"' in answer.text
        assert everything() == before

    def test_more_than_fifty_at_a_time_are_refused(self, client, manager):
        families = FamilyFactory.create_batch(51)
        answer = give(client, FamilyAdminFactory(), *families)
        assert answer.status_code == 422
        assert not Grant.objects.exists()
        assert give(client, FamilyAdminFactory(), *families[:50]).status_code == 302

    def test_foreign_and_unknown_families_are_a_404(self, client):
        limit = PropertyLimitFactory()
        mine = FamilyFactory(property=limit.property)
        person = GrantFactory(family__property=limit.property).person
        client.force_login(limit.person)
        before = everything()
        assert give(client, person, mine, FamilyFactory()).status_code == 404
        assert client.post(address("grant_begin", person), {"family": "nothing"}).status_code == 404
        assert everything() == before
        assert give(client, person, mine).status_code == 302

    def test_only_family_admins_are_given_families(self, client, manager, family):
        person = AuditorFactory()
        assert give(client, person, family)["Location"] == address("person_detail", person)
        assert not Grant.objects.exists()


class TestChanging:
    def test_the_last_day_and_the_right_to_invite(self, client, manager, family):
        grant = GrantFactory(family=family)
        where = address("grant_change", grant.person, family)
        assert 'name="starts_on"' not in client.get(where).text
        client.post(where, {"ends_on": "2031-01-31", "may_invite": "on", "starts_on": "2031-01-01"})
        changed = Grant.objects.get()
        assert changed.starts_at == grant.starts_at
        assert changed.ends_at == datetime(2031, 2, 1, tzinfo=LISBON)
        assert changed.may_invite
        page = client.get(where).text
        assert 'value="2031-01-31"' in page
        assert Entry.objects.filter(event="grant.change").count() == 1
        client.post(where, {"ends_on": "2031-01-31", "may_invite": "on"})
        assert Entry.objects.filter(event="grant.change").count() == 1

    def test_one_to_come_may_begin_on_another_day(self, client, manager, family):
        grant = GrantFactory(family=family, starts_at=timezone.now() + timedelta(days=9))
        where = address("grant_change", grant.person, family)
        client.post(where, {"starts_on": "2031-01-10", "ends_on": ""})
        assert Grant.objects.get().starts_at == datetime(2031, 1, 10, tzinfo=LISBON)
        assert client.post(where, {"starts_on": "2031-01-10", "ends_on": "2031-01-09"}).status_code == 422

    @pytest.mark.parametrize("ends_on", ["2020-01-01", "never", "9999-12-31"])
    def test_what_cannot_be_is_said_beside_the_field(self, client, manager, family, ends_on):
        grant = GrantFactory(family=family)
        answer = client.post(
            address("grant_change", grant.person, family), {"ends_on": ends_on}, headers=HTMX
        )
        assert answer.status_code == 422
        assert 'id="id_ends_on_error"' in answer.text
        assert answer.text.lstrip().startswith('<div id="grant-change">')

    def test_taken_back_it_is_gone_at_the_next_request(self, client, manager, family):
        grant = GrantFactory(family=family)
        theirs = Client()
        theirs.force_login(grant.person)
        assert theirs.get(f"/families/{family.public_id}/").status_code == 200
        answer = client.post(address("grant_end", grant.person, family), headers=HTMX)
        assert "does not look after “Casa Lima” any more" in answer.text
        assert theirs.get(f"/families/{family.public_id}/").status_code == 404
        assert Entry.objects.filter(event="grant.end").count() == 1

    def test_who_was_invited_by_them_is_named_before_it_is_taken_back(self, client, manager, family):
        grant = GrantFactory(family=family)
        ended = timezone.now() - timedelta(hours=1)
        kept, invited, other, away = (
            GrantFactory(family=family, person__name="Kept <b>"),
            GrantFactory(family=family, person=InvitedFactory(name="Waiting", role=Role.FAMILY_ADMIN)),
            GrantFactory(person__name="Elsewhere"),
            GrantFactory(
                family=family, person__name="Gone", starts_at=ended - timedelta(days=1), ends_at=ended
            ),
        )
        GrantFactory(family=family, person__name="By somebody else")
        for one in (kept, kept, invited, other, away):
            joining.issue(one.person, sent_by=grant.person)
        for url in (
            address("person_detail", grant.person),
            address("grant_change", grant.person, family),
        ):
            page = client.get(url).text
            words = page.split("Invited by them", 1)[1].split("</p>")[0]
            assert "who keep their own" in words
            for one in (kept, invited):
                assert words.count(f'href="{address("person_detail", one.person)}"') == 1
            assert "Kept &lt;b&gt;" in words
            for name in ("Elsewhere", "Gone", "By somebody else"):
                assert name not in words
        client.post(address("grant_end", grant.person, family))
        assert Family.objects.visible_to(kept.person).get() == family
        assert "Invited by them" not in client.get(address("person_detail", grant.person)).text

    def test_nobody_invited_is_nobody_named(self, client, manager, family):
        grant = GrantFactory(family=family)
        assert "Invited by them" not in client.get(address("person_detail", grant.person)).text

    def test_a_limited_manager_is_told_of_nobody_beyond_their_properties(self, client):
        limit = PropertyLimitFactory()
        grant = GrantFactory(family__property=limit.property)
        seen, hidden = GrantFactory.create_batch(2, family=grant.family)
        GrantFactory(person=hidden.person)
        for one in (seen, hidden):
            joining.issue(one.person, sent_by=grant.person)
        client.force_login(limit.person)
        page = client.get(address("person_detail", grant.person)).text
        assert address("person_detail", seen.person) in page
        assert hidden.person.public_id not in page

    def test_one_that_has_not_begun_leaves_nothing(self, client, manager, family):
        grant = GrantFactory(family=family, starts_at=timezone.now() + timedelta(days=9))
        client.post(address("grant_end", grant.person, family))
        assert not Grant.objects.exists()

    def test_without_a_grant_there_is_nothing_to_change(self, client, manager, family):
        over = GrantFactory(family=family, ends_at=timezone.now())
        for name in ("grant_change", "grant_end"):
            assert client.post(address(name, over.person, family)).status_code == 404
            assert client.post(address(name, FamilyAdminFactory(), family)).status_code == 404

    def test_a_limited_manager_may_take_the_last_one_and_give_another(self, client):
        limit = PropertyLimitFactory()
        grant = GrantFactory(family__property=limit.property)
        client.force_login(limit.person)
        assert client.post(address("grant_end", grant.person, grant.family)).status_code == 302
        assert client.get(address("person_detail", grant.person)).status_code == 200
        assert give(client, grant.person, grant.family).status_code == 302
