"""Making and ending links for visitors: who may, what is kept of them, and what they end with."""

import hashlib
import json
import re
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import TempKey, VisitorLink
from access.services.visitors import links
from access.services.visitors.links import NothingToShow, end_link, live_link, make_link
from families.models import Grant
from portal.accounts.models import Role, User
from portal.audit.models import Entry
from portal.audit.trail import AuditUnavailable, By
from tests.access.visiting import Visited
from tests.audit.trails import holds
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    GrantFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import a_trail_that_refuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def visited(simulator) -> Visited:
    return Visited.of(simulator)


@pytest.fixture
def admin(visited) -> User:
    """A family admin who made the pass, with its link."""
    since = visited.key.made_after
    person = GrantFactory(person=FamilyAdminFactory(), family=visited.key.family, starts_at=since).person
    visited.set(made_by=person)
    visited.secret = visited.link(person).secret
    return person


def shows(visited) -> bool:
    """Whether its page shows where the pass stands, and the service finds the link, too."""
    status = Client().get(visited.path).status_code
    found = live_link(TempKey.objects.get(pk=visited.key.pk))
    assert status in {200, 404}
    assert (status == 200) is (found is not None)
    return found is not None


class TestMaking:
    def test_32_random_bytes_of_which_a_digest_is_kept(self, visited):
        made = visited.link()
        assert re.fullmatch(r"[\w-]{43}", made.secret)
        assert made.secret != visited.link().secret
        assert made.link.secret_digest == hashlib.sha256(made.secret.encode()).hexdigest()
        rows = str([list(VisitorLink.objects.values()), list(Entry.objects.values())])
        assert made.secret not in rows
        assert made.secret not in repr(made)

    @pytest.mark.django_db(transaction=True)
    def test_what_is_written_stands_also_where_only_its_head_is_not_kept(self, visited, settings, tmp_path):
        (tmp_path / "file").touch()
        settings.AUDIT_HEADS_FILE = tmp_path / "file" / "heads"
        made = visited.link()
        assert Client().get(reverse("access:visitor_pass", args=[made.secret])).status_code == 200
        assert end_link(ManagerFactory(), link=made.link)
        assert Client().get(reverse("access:visitor_pass", args=[made.secret])).status_code == 404

    def test_its_address_is_the_one_that_people_use(self, visited, settings):
        settings.PUBLIC_URL = "https://gate.example"
        assert links.address_of("abc") == "https://gate.example/v/abc/"

    def test_it_is_found_by_an_index(self, visited):
        found = VisitorLink.objects.filter(secret_digest="x", revoked_at=None)
        plan = found.explain()
        assert "secret_digest" in plan, plan

    def test_the_trail_tells_who_made_it_for_whom(self, visited):
        made = visited.link(language="en", time_zone="asia/tokyo")
        entry = Entry.objects.filter(event="visitor_link.make").latest("number")
        assert (entry.actor_name, entry.object_kind, entry.object_id) == (
            "Ana",
            "pass",
            visited.key.public_id,
        )
        assert entry.family_id == visited.key.family_id
        assert json.loads(entry.parameters) == {
            "link": made.link.public_id,
            "language": "en",
            "time_zone": "Asia/Tokyo",
            "earlier_links_ended": 1,
        }
        assert holds()

    def test_an_earlier_one_ends_with_it(self, visited):
        earlier = visited.path
        visited.secret = visited.link(ManagerFactory(name="Bo")).secret
        assert Client().get(earlier).status_code == 404
        assert shows(visited)
        assert VisitorLink.objects.get(revoked_at__isnull=False).revoked_by_name == "Bo"

    @pytest.mark.parametrize("zone", ["Mars/Base", "", "x" * 5000, "../etc/passwd"])
    def test_a_zone_or_language_nobody_knows_is_none(self, visited, zone):
        link = visited.link(language="tlh", time_zone=zone).link
        assert (link.language, link.time_zone) == ("", "")

    def test_without_a_trail_none_is_made_and_the_earlier_one_stays(self, visited):
        with a_trail_that_refuses(), pytest.raises(AuditUnavailable):
            visited.link()
        assert VisitorLink.objects.count() == 1
        assert shows(visited)

    @pytest.mark.parametrize(
        "fields",
        [
            {"uses": 0},
            {"ends_at": timezone.now() - timedelta(minutes=1)},
            {"gone_at": timezone.now()},
            {"starts_at": None, "ends_at": None},
            {"fingerprint": ""},
        ],
    )
    def test_of_what_has_nothing_to_show_none_is_made(self, visited, fields):
        visited.set(**fields)
        with pytest.raises(NothingToShow):
            visited.link()
        assert VisitorLink.objects.filter(revoked_at=None).count() == 1

    def test_one_that_begins_later_has_its_link_already(self, visited):
        visited.works(hours_ago=-100, hours_more=200)
        visited.secret = visited.link().secret
        assert shows(visited)


class TestWhoMay:
    def test_a_family_admin_for_what_they_made_and_for_nothing_else(self, visited, admin):
        assert make_link(admin, key=visited.key)
        visited.set(made_by=ManagerFactory())
        with pytest.raises(PermissionDenied):
            make_link(admin, key=visited.key)

    def test_an_auditor_a_stranger_and_a_manager_of_another_property_may_not(self, visited):
        other = PropertyLimitFactory(property=PropertyFactory()).person
        switched_off = ManagerFactory(is_active=False)
        for person in (AuditorFactory(), FamilyAdminFactory(), GrantFactory().person, other, switched_off):
            with pytest.raises(PermissionDenied):
                make_link(person, key=visited.key)
            with pytest.raises(PermissionDenied):
                end_link(person, link=visited.row)
        assert shows(visited)

    def test_a_manager_may_for_what_others_made_and_may_end_what_they_gave(self, visited, admin):
        link = visited.row
        assert end_link(ManagerFactory(), link=link)
        assert not shows(visited)


class TestEnding:
    def test_it_shows_nothing_from_then_on_and_the_trail_tells_it(self, visited):
        link = visited.row
        assert end_link(ManagerFactory(name="Bo"), link=link)
        assert not shows(visited)
        [entry] = Entry.objects.filter(event="visitor_link.revoke")
        assert (entry.actor_name, entry.object_id) == ("Bo", visited.key.public_id)
        assert json.loads(entry.parameters) == {"link": link.public_id}
        link.refresh_from_db()
        assert link.revoked_by_name == "Bo"
        assert holds()

    def test_a_second_time_nothing_happens(self, visited):
        link = visited.row
        end_link(ManagerFactory(name="Bo"), link=link)
        assert not end_link(By.operator(), link=link)
        assert link.revoked_by_name == "Bo"
        assert Entry.objects.filter(event="visitor_link.revoke").count() == 1

    def test_without_a_trail_it_stays(self, visited):
        with a_trail_that_refuses(), pytest.raises(AuditUnavailable):
            end_link(ManagerFactory(), link=visited.row)
        assert shows(visited)


class TestWhatItEndsWith:
    @pytest.mark.parametrize(
        "fields",
        [{"gone_at": timezone.now()}, {"ends_at": timezone.now() - timedelta(minutes=1)}, {"uses": 0}],
    )
    def test_its_pass(self, visited, fields):
        visited.set(**fields)
        assert live_link(visited.key) is None
        assert "Show my code" not in Client().get(visited.path).text

    def test_the_grant_of_the_family_admin_who_gave_it(self, visited, admin):
        assert shows(visited)
        Grant.objects.update(ends_at=timezone.now())
        assert not shows(visited)
        assert Client().post(visited.path).status_code == 404
        assert not visited.asked()

    def test_a_new_grant_does_not_bring_it_back(self, visited, admin):
        Grant.objects.update(ends_at=timezone.now())
        GrantFactory(person=admin, family=visited.key.family, starts_at=timezone.now())
        visited.set(made_after=timezone.now() - timedelta(days=1))
        assert not shows(visited)

    def test_while_the_grant_is_suspended_or_the_person_switched_off_it_rests(self, visited, admin):
        Grant.objects.update(suspended_at=timezone.now())
        assert not shows(visited)
        Grant.objects.update(suspended_at=None)
        assert shows(visited)
        User.objects.filter(pk=admin.pk).update(is_active=False)
        assert not shows(visited)

    def test_a_managers_is_the_offices_and_stays_when_they_leave(self, visited):
        visited.maker.is_active = False
        visited.maker.save()
        assert shows(visited)
        assert visited.grouped in visited.press().text
        assert end_link(ManagerFactory(), link=visited.row)
        assert not shows(visited)

    def test_a_manager_who_becomes_a_family_admin_gives_out_what_is_theirs(self, visited):
        visited.maker.role = Role.FAMILY_ADMIN
        visited.maker.save()
        assert not shows(visited)

    def test_a_person_who_is_no_more(self, visited):
        VisitorLink.objects.update(made_by=None)
        assert not shows(visited)


def test_looking_for_one_costs_at_most_two_queries(visited, admin, django_assert_max_num_queries):
    key = TempKey.objects.select_related("family").get(pk=visited.key.pk)
    with django_assert_max_num_queries(2):
        assert live_link(key)
