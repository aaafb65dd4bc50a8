"""Reading which credentials are there: so many calls, no code kept, and what was read stays where the rest was not."""

import pytest
from django.db import connection as database

from access.models import Credential, CredentialKind
from access.services.credentials import reading
from portal.audit.models import Entry
from portal.connections.models import Connection
from portal.upstream import errors
from tests.access.credentials import GET_BLE, GET_FACE, GET_NFC, GET_PIN, Held, send
from tests.factories import ConnectionFactory, GrantFactory, ManagerFactory, ReachFactory
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db

READINGS = "/credentials/readings/"


@pytest.fixture
def held(simulator) -> Held:
    return Held.of(simulator)


def read(client, person, held, **options):
    return send(client, person, held, "credential_read", {}, **options)


def test_four_questions_tell_what_is_there_and_no_code_is_kept(client, held):
    codes = [held.pin(), held.secret(GET_NFC, "nfc_code"), held.secret(GET_BLE, "ble_code")]
    is_on_file = held.secret(GET_FACE, "is_uploaded")

    answer = read(client, ManagerFactory(), held)

    assert answer.status_code == 200
    assert "Read just now." in answer.text
    assert [row["command"] for row in held.simulator.journal()] == [GET_PIN, GET_NFC, GET_BLE, GET_FACE]
    known = {one.kind: one.is_there for one in Credential.objects.all()}
    assert known == {"pin": True, "nfc": bool(codes[1]), "ble": bool(codes[2]), "face": is_on_file}
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM access_credential")
        rows = str(cursor.fetchall())
    for code in filter(None, codes):
        assert code not in answer.text
        assert code not in rows
    begun, entry = Entry.objects.filter(event="credential.read").order_by("number")
    assert (begun.phase, begun.command_id) == ("intent", entry.command_id)
    assert (entry.outcome, entry.family_id) == ("succeeded", held.family.pk)


def test_without_a_script_one_comes_back_to_the_page(client, held):
    assert read(client, ManagerFactory(), held, headers={})["Location"] == held.path("credential_list")


def test_what_could_be_read_is_kept_where_the_rest_could_not(client, held):
    held.simulator.fault(GET_BLE, "refuse", words="No such thing here")

    answer = read(client, ManagerFactory(), held)

    assert answer.status_code == 502
    assert "No such thing here" in answer.text
    assert set(Credential.objects.values_list("kind", flat=True)) == {"pin", "nfc", "face"}


@pytest.mark.parametrize(
    "fault", [("status", {"status": 500}), ("busy", {"seconds": 60}), ("reset_after", {})]
)
def test_an_upstream_in_trouble_is_said(client, held, fault):
    kind, options = fault
    held.simulator.fault("*", kind, **options)

    answer = read(client, ManagerFactory(), held)

    assert answer.status_code == 503
    assert 'hx-swap-oob="true"' in answer.text
    assert not Credential.objects.exists()


def test_a_budget_that_is_used_up_is_said_and_nothing_is_asked(client, held):
    Connection.objects.update(calls_per_minute=3)

    answer = read(client, ManagerFactory(), held)

    assert answer.status_code == 503
    assert "budget of calls" in answer.text
    assert held.simulator.journal() == []


def test_the_organisations_is_read_for_unlimited_managers_alone(client, held):
    assert read(client, GrantFactory(family=held.family).person, held).status_code == 403
    assert held.simulator.journal() == []


def test_ones_own_families_are_read_those_longest_ago_first(client, held):
    person = ManagerFactory()
    own = held.own_of(person)
    told = next(
        each
        for each in held.simulator.estate()["families"]
        if each["residence_id"] != held.family.residence_id and not each["is_gone"]
    )
    Connection.objects.filter(owner=person).update(access_token=None)
    office = ConnectionFactory(
        owner=ManagerFactory(), base_url=held.simulator.url, access_token=held.simulator.token
    )
    own.connection, own.account_id = office, held.simulator.sign_in["account_id"]
    own.save()
    later = ReachFactory(
        connection=office, family__residence_id=told["residence_id"], account_id=own.account_id
    )
    for kind in CredentialKind:
        Credential.note(own, kind, is_there=False)

    first = reading.read_own(office.owner, at_most=1)

    assert (first.families, first.left, first.error) == (1, 1, None)
    assert {row["residence_id"] for row in held.simulator.journal()} == {told["residence_id"]}
    assert Credential.objects.filter(reach=later).count() == 4
    reading.read_own(office.owner)
    assert Credential.objects.get(reach=own, kind="pin").is_there
    entry = Entry.objects.filter(event="credential.read").latest("number")
    assert entry.outcome == "succeeded"
    # One that is refused keeps nobody from reading the next, and is told.
    held.simulator.fault(GET_PIN, "refuse", residence_id=told["residence_id"])
    last = reading.read_own(office.owner)
    assert (last.families, last.left, type(last.error)) == (1, 1, errors.UpstreamRejected)
    entry = Entry.objects.filter(event="credential.read").latest("number")
    assert entry.outcome == "refused"


def test_the_page_says_how_far_it_came(client, held):
    person = ManagerFactory()
    held.own_of(person)
    client.force_login(person)

    answer = client.post(READINGS, headers=HTMX)

    assert answer["HX-Redirect"] == "/credentials/"
    page = client.get("/credentials/").text
    assert "1 family was read." in page
    assert held.family.name in page


def test_with_nothing_to_read_nothing_is_asked(client, held):
    client.force_login(ManagerFactory())

    assert client.post(READINGS).status_code == 302
    assert held.simulator.journal() == []
    assert client.get(READINGS).status_code == 405


def test_without_a_trail_it_is_said(client, held):
    manager = ManagerFactory()
    client.force_login(manager)
    with a_trail_that_refuses():
        answer = client.post(held.path("credential_read"), {"account": "organisation"}, headers=HTMX)

    assert answer.status_code == 503
    assert "the audit trail is not available" in answer.text
    assert held.simulator.journal() == []
    assert not Credential.objects.exists()
