"""Links for visitors in a move-out: planned, ended after the passes, verified, and told in its record."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from access.models import TempKey, VisitorLink
from access.services.moving import advancing
from access.services.moving.planning import Leaving
from access.services.visitors import links
from portal.accounts.models import Role
from portal.audit.models import Entry
from tests.access.moving import begin, household, move_out, plan_of, record, states, url
from tests.access.passing import DELETE_MANY
from tests.accounts.signing_in import sign_in_recently
from tests.audit.trails import holds
from tests.factories import ManagerFactory

pytestmark = pytest.mark.django_db


def link_to(home, number, maker=None, **fields):
    """A link to one of the family's passes, which is called so."""
    key = TempKey.objects.filter(family=home.family, gone_at=None).order_by("pk")[number]
    TempKey.objects.filter(pk=key.pk).update(**{"label": f"Pass {number}", **fields})
    key.refresh_from_db()
    return links.make_link(maker or ManagerFactory(), key=key)


def looked_at(link):
    return Client().get(f"/v/{link.secret}/").status_code


def test_every_link_of_the_family_ends_with_its_household(simulator):
    home = household(simulator)
    both = [link_to(home, 0), link_to(home, 3)]
    assert [looked_at(one) for one in both] == [200, 200]
    manager = ManagerFactory(name="Ana")

    done = move_out(home, manager)

    assert states(done, "visitor_link") == {"Pass 0": "gone", "Pass 3": "gone"}
    assert [looked_at(one) for one in both] == [404, 404]
    assert set(VisitorLink.objects.values_list("revoked_by_name", flat=True)) == {"Ana"}
    ended = list(Entry.objects.filter(event="visitor_link.revoke").order_by("number"))
    assert [(one.actor_name, one.object_name) for one in ended] == [("Ana", "Pass 0"), ("Ana", "Pass 3")]
    told = [one for one in json.loads(record(done).text)["items"] if one["kind"] == "visitor_link"]
    assert [(one["subject"], one["state"], one["words"]) for one in told] == [
        ("Pass 0", "gone", "Ended."),
        ("Pass 3", "gone", "Ended."),
    ]
    assert [one["entry"] for one in told] == [one.number for one in ended]
    assert holds()


def test_the_plan_names_them_after_the_passes_and_who_made_them(simulator):
    home = household(simulator)
    link_to(home, 1, ManagerFactory(name="Bo", email="bo@example.org"))
    links.end_link(ManagerFactory(), link=link_to(home, 2).link)

    found = plan_of(home).items

    [one] = [item for item in found if item.kind == "visitor_link"]
    assert (one.subject, one.detail) == ("Pass 1", "made by Bo (bo@example.org)")
    kinds = [str(item.kind) for item in found]
    assert kinds.index("visitor_link") == kinds.index("pass") + kinds.count("pass")


def test_its_pages_tell_of_them(client, simulator):
    home = household(simulator)
    link_to(home, 0)
    sign_in_recently(client, ManagerFactory())
    page = client.get(f"/families/{home.family.public_id}/move-out/?who=everybody")
    assert "Links for visitors" in page.text

    one = begin(home)
    assert "Ending links for visitors" in client.get(url(one)).text
    advancing.advance(one, seconds=30)

    assert "Links for visitors" in client.get(url(one)).text


def test_one_ends_although_its_pass_cannot_be_deleted(simulator):
    home = household(simulator)
    link = link_to(home, 0)
    simulator.fault(DELETE_MANY, "refuse", words="Busy indoors")

    done = move_out(home)

    assert states(done, "pass")["Pass 0"] == "left"
    assert states(done, "visitor_link") == {"Pass 0": "gone"}
    assert looked_at(link) == 404


def test_of_some_people_only_links_to_their_passes_end(simulator):
    home = household(simulator)
    leaving, staying = home.members[3], home.members[4]
    goes, stays = home.admin_of(leaving), home.admin_of(staying)
    theirs = link_to(home, 0, goes, made_by=goes, made_after=timezone.now())
    others = link_to(home, 1, stays, made_by=stays, made_after=timezone.now())
    offices = link_to(home, 2)

    done = move_out(home, None, leaving, leaving=Leaving(is_whole=False, members=(leaving,)))

    assert states(done, "visitor_link") == {"Pass 0": "gone"}
    assert [looked_at(one) for one in (theirs, others, offices)] == [404, 200, 200]


def test_one_that_somebody_ended_meanwhile_is_gone_too(simulator):
    home = household(simulator)
    link = link_to(home, 0)
    one = begin(home)
    links.end_link(ManagerFactory(), link=link.link)

    advancing.advance(one, seconds=30)

    assert states(one, "visitor_link") == {"Pass 0": "gone"}
    assert Entry.objects.filter(event="visitor_link.revoke").count() == 1


def test_where_whoever_acts_may_not_any_more_they_wait_for_somebody_who_may(simulator):
    home = household(simulator)
    link = link_to(home, 0)
    manager = ManagerFactory(name="Ana")
    one = begin(home, manager)
    manager.role = Role.AUDITOR
    manager.save()

    advancing.advance(one, seconds=30)

    assert states(one, "visitor_link") == {"Pass 0": "planned"}
    assert one.pause_reason == "Ana, in whose name it is done, is not a manager any more."
    assert looked_at(link) == 200
