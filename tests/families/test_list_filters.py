"""What the list of families is filtered by, and in which order it stands: all of it in the address."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import Family
from portal.connections.models import Connection, Health
from portal.cursors import write_cursor
from tests.factories import (
    ConnectionFactory,
    FamilyFactory,
    FamilyInvitationFactory,
    GrantFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
)
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db


def url(**query: str) -> str:
    return reverse("families:family_list", query=query)


def shown(client, **query: str) -> list[str]:
    return [row.name for row in client.get(url(**query), headers=HTMX).context["page"].rows]


@pytest.fixture
def families(manager):
    usable = ConnectionFactory()
    ana = FamilyFactory(name="Ana", property=PropertyFactory())
    bea = FamilyFactory(name="Bea", is_online=False)
    cid = FamilyFactory(name="Cid", is_installed=False)
    dom = FamilyFactory(name="Dom", gone_at=timezone.now())
    for family in (ana, bea, cid, dom):
        ReachFactory(family=family, connection=usable)
    return {"ana": ana, "bea": bea, "cid": cid, "dom": dom}


def test_families_that_are_gone_are_shown_when_asked_for(client, families):
    assert shown(client) == ["Ana", "Bea", "Cid"]
    assert shown(client, state="gone") == ["Dom"]


def test_by_state(client, families):
    assert shown(client, state="offline") == ["Bea"]
    assert shown(client, state="not_installed") == ["Cid"]
    assert shown(client, state="attention") == ["Bea", "Cid"]


def test_a_family_that_no_working_connection_reaches_needs_attention(client, families):
    Connection.objects.update(health=Health.SIGNED_OUT)

    assert shown(client, state="attention") == ["Ana", "Bea", "Cid"]


def test_by_property(client, families):
    assert shown(client, property=families["ana"].property.public_id) == ["Ana"]
    assert shown(client, property="none") == ["Bea", "Cid"]


def test_offline_first(client, families):
    assert shown(client, sort="offline") == ["Bea", "Ana", "Cid"]


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "password"},
        {"state": "DROP TABLE"},
        {"property": "no-such"},
        {"page": "-1"},
        {"before": "x", "after": "y"},
        {"after": write_cursor("families.name", True, "z")},
        {"after": write_cursor("doors", True, "z", 1)},
        {"is_superuser": "1"},
        {"q": " \t "},
    ],
)
def test_what_is_unknown_is_as_if_it_were_not_there(client, families, query):
    assert shown(client, **query) == ["Ana", "Bea", "Cid"]


@pytest.mark.parametrize("text", ["%", "_", "a" * 10_000, "' OR 1=1 --", "\u202e", "{{ x }}"])
def test_odd_searches_find_nothing_and_break_nothing(client, families, text):
    assert client.get(url(q=text)).status_code == 200
    assert shown(client, q=text) == []


def test_by_more_states(client, families):
    assert shown(client, state="online") == ["Ana"]
    assert shown(client, state="installed") == ["Ana", "Bea"]


def test_by_connection(client, families):
    tower = ConnectionFactory(name="Tower account")
    ReachFactory(connection=tower, family=families["bea"])
    ReachFactory(connection=tower, family=families["cid"], gone_at=timezone.now())
    FamilyFactory(name="Eva")

    assert shown(client, connection=tower.public_id) == ["Bea"]
    assert shown(client, connection="none") == ["Eva"]


def test_by_what_is_wrong_with_the_connection(client, families):
    paused = ConnectionFactory(paused_at=timezone.now(), health=Health.SIGNED_OUT)
    lost = ConnectionFactory(health=Health.SIGNED_OUT)
    # It is reached through another that works.
    ReachFactory(connection=paused, family=families["ana"])
    ReachFactory(connection=paused, family=FamilyFactory(name="Eva"))
    ReachFactory(connection=lost, family=FamilyFactory(name="Fox"))

    assert shown(client, connection="paused") == ["Eva"]
    assert shown(client, connection="signed_out") == ["Fox"]
    assert shown(client, connection="none") == []


def test_by_pending_invitations(client, families):
    FamilyInvitationFactory(family=families["bea"])
    FamilyInvitationFactory(family=families["ana"], accepted_at=timezone.now())
    FamilyInvitationFactory(family=families["cid"], forgotten_at=timezone.now())

    assert shown(client, invited="1") == ["Bea"]


def test_filters_add_up(client, families):
    Family.objects.filter(name__in=["Ana", "Bea"]).update(property=families["ana"].property)

    assert shown(client, property=families["ana"].property.public_id, state="offline", q="be") == ["Bea"]
    assert shown(client, property="none", state="offline") == []


def test_a_family_admin_is_not_told_of_connections_nor_of_invitations_before_their_time(client):
    grant = GrantFactory(family__name="Mine")
    connection = ReachFactory(family=grant.family, connection__name="Tower account").connection
    early = FamilyInvitationFactory(family=grant.family)
    early.sent_at = grant.starts_at - timedelta(days=1)
    early.save()
    client.force_login(grant.person)

    assert shown(client, connection="none") == ["Mine"]
    assert shown(client, connection=connection.public_id) == ["Mine"]
    assert "Tower account" not in client.get(url(q="mine")).text
    assert shown(client, invited="1") == []


def test_a_limited_manager_filters_by_the_connections_of_their_own_alone(client):
    limit = PropertyLimitFactory()
    mine = ReachFactory(family__name="Mine", family__property=limit.property, connection__name="Near")
    foreign = ReachFactory(connection__name="Far").connection
    client.force_login(limit.person)

    page = client.get(url()).text

    assert "Near" in page
    assert "Far" not in page
    assert shown(client, connection=mine.connection.public_id) == ["Mine"]
    assert shown(client, connection=foreign.public_id) == ["Mine"]


def test_what_is_chosen_is_said_by_the_form(client, families):
    page = client.get(url(state="offline", connection="paused", invited="1", sort="people")).text

    for value in ("offline", "paused", "people"):
        assert f'<option value="{value}" selected>' in page
    assert 'name="invited" value="1" checked' in page
    assert 'class="filters-fold" open' in page


def test_by_what_changed_last(client, manager):
    now = timezone.now()
    FamilyFactory(name="Old", first_seen_at=now - timedelta(days=9))
    FamilyFactory(name="Lately", first_seen_at=now - timedelta(days=9), online_changed_at=now)
    FamilyFactory(name="New", first_seen_at=now - timedelta(days=1))

    assert shown(client, sort="changed") == ["Lately", "New", "Old"]


def test_by_the_number_of_people(client, manager):
    MemberFactory.create_batch(2, family=FamilyFactory(name="Two"))
    MemberFactory.create_batch(3, family=FamilyFactory(name="Three"))
    FamilyFactory(name="None")
    MemberFactory.create_batch(9, family=FamilyFactory(name="Gone"), gone_at=timezone.now())

    assert shown(client, sort="people") == ["Three", "Two", "Gone", "None"]


def test_typing_asks_after_a_pause_and_cancels_the_request_before(client, families):
    page = client.get(url()).text

    assert 'hx-sync="this:replace"' in page
    assert 'hx-trigger="input changed delay:200ms, search"' in page
