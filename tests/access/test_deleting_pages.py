"""Deleting passes by the pages: asked once more, sent once, told row by row."""

import pytest
from django.urls import reverse
from django.utils import timezone

from access.models import TempKey
from access.views.passes.deletions import MOST_FAMILIES, delete_purpose
from families.models import Family, Kind
from portal.connections.models import Connection
from portal.web.presses import new_press
from tests.access.passing import DELETE, DELETE_MANY, LIST, there
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    GrantFactory,
    ManagerFactory,
    ReachFactory,
    TempKeyFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)

DELETIONS = "/passes/deletions/"


@pytest.fixture
def connection(simulator):
    simulator.reset(families=9)
    return connect(simulator)


@pytest.fixture
def family(simulator, connection):
    """A family with three passes."""
    read(connection, Kind.FAMILIES, Kind.MEMBERS, Kind.TEMP_KEYS)
    simulator.clear_journal()
    return max(Family.objects.all(), key=lambda one: one.temp_keys.count())


@pytest.fixture
def manager(client):
    person = ManagerFactory()
    client.force_login(person)
    return person


def ask(client, *keys, **headers):
    return client.get(DELETIONS, {"pass": [key.public_id for key in keys]}, headers=headers or None)


def press(client, person, *keys, presses=None, **headers):
    tokens = {
        f"press-{key.family.public_id}": new_press(person.pk, delete_purpose(key.family)) for key in keys
    }
    body = {"pass": [key.public_id for key in keys], **tokens, **(presses or {})}
    return client.post(DELETIONS, body, headers=headers or None)


class TestAsking:
    def test_what_goes_is_named_and_nothing_is_sent(self, client, simulator, family, manager):
        one, other, _ = there().filter(family=family)
        TempKey.objects.filter(pk=one.pk).update(label="Plumber")
        answer = ask(client, one, other)
        text = answer.content.decode()
        assert answer.status_code == 200
        for words in ("Delete 2 passes?", "Plumber", "Made elsewhere", family.name, "cannot be taken back"):
            assert words in text
        assert not simulator.journal()

    def test_the_fragment(self, client, family, manager):
        text = ask(client, there().first(), **HTMX).content.decode()
        assert 'id="pass-delete"' in text
        assert "<html" not in text

    def test_what_is_gone_or_somebody_elses_stays(self, client, family):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family)
        client.force_login(person)
        mine, gone, others = there().filter(family=family)
        now = timezone.now()
        TempKey.objects.filter(family=family).update(made_after=now, made_by=person)
        TempKey.objects.filter(pk=gone.pk).update(gone_at=now)
        TempKey.objects.filter(pk=others.pk).update(made_by=None)
        text = ask(client, mine, gone, others).content.decode()
        assert "Delete 1 pass" in text
        assert text.count('name="pass"') == 1
        assert "It is gone already." in text
        assert "Somebody else made it." in text
        assert "Nothing was chosen" in ask(client, gone).content.decode()

    def test_of_more_families_than_go_at_once_the_rest_is_left_for_later(self, client, family, manager):
        keys = [one.temp_keys.first() for one in Family.objects.all() if one.temp_keys.exists()]
        assert len(keys) > MOST_FAMILIES
        text = ask(client, *keys).content.decode()
        assert text.count('name="pass"') == MOST_FAMILIES
        rest = len(keys) - MOST_FAMILIES
        assert text.count("?pass=") == 1
        assert f"{rest} pass" in text

    def test_others_are_not_there_and_nobody_may_without_the_right(self, client, family):
        key = there().filter(family=family).first()
        assert ask(client, key).status_code == 302
        assert press(client, ManagerFactory(), key).status_code == 302
        for person, status in (
            (FamilyAdminFactory(), 404),
            (ManagerFactory(is_limited=True), 404),
            (AuditorFactory(), 403),
        ):
            client.force_login(person)
            assert ask(client, key).status_code == status
            assert press(client, person, key).status_code == status

    def test_strange_ids_are_not_there(self, client, simulator, family, manager):
        assert client.get(DELETIONS, {"pass": "AAAA"}).status_code == 404
        assert client.get(DELETIONS).status_code == 200
        assert client.post(DELETIONS, {"pass": "AAAA"}).status_code == 404
        assert client.post(DELETIONS, {}).status_code == 422
        many = TempKeyFactory.create_batch(101, family=family, reach=ReachFactory(family=family))
        assert ask(client, *many).status_code == 404
        assert not simulator.journal()


class TestDeleting:
    def test_one_is_deleted_and_told(self, client, simulator, family, manager):
        key = there().filter(family=family).first()
        answer = press(client, manager, key)
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "1 pass deleted" in text
        assert reverse("access:family_passes", args=[family.public_id]) in text
        assert len(simulator.journal(DELETE)) == 1
        key.refresh_from_db()
        assert key.gone_at is not None

    def test_the_fragment(self, client, family, manager):
        text = press(client, manager, there().filter(family=family).first(), **HTMX).content.decode()
        assert 'id="pass-delete"' in text
        assert "<html" not in text

    def test_each_family_has_a_command_of_its_own(self, client, simulator, family, manager):
        other = next(one for one in Family.objects.exclude(pk=family.pk) if one.temp_keys.exists())
        mine = list(there().filter(family=family))
        answer = press(client, manager, *mine, other.temp_keys.first())
        assert "4 passes deleted" in answer.content.decode()
        assert [row["residence_id"] for row in simulator.journal(DELETE_MANY)] == [family.residence_id]
        assert [row["residence_id"] for row in simulator.journal(DELETE)] == [other.residence_id]

    def test_sent_again_it_tells_the_same_and_sends_nothing(self, client, simulator, family, manager):
        key = there().filter(family=family).first()
        token = {f"press-{family.public_id}": new_press(manager.pk, delete_purpose(family))}
        first = press(client, manager, key, presses=token)
        second = press(client, manager, key, presses=token)
        assert first.status_code == second.status_code == 200
        assert "1 pass deleted" in second.content.decode()
        assert len(simulator.journal(DELETE)) == 1

    def test_an_old_page_sends_nothing(self, client, simulator, family, manager):
        key = there().filter(family=family).first()
        answer = press(client, manager, key, presses={f"press-{family.public_id}": "forged"})
        assert answer.status_code == 422
        assert "This page is too old" in answer.content.decode()
        assert not simulator.journal()

    def test_a_family_admin_who_names_anothers_pass_deletes_nothing_of_it(self, client, simulator, family):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family)
        client.force_login(person)
        TempKey.objects.filter(family=family).update(made_after=timezone.now())
        answer = press(client, person, there().filter(family=family).first())
        assert answer.status_code == 422
        assert not simulator.journal()

    def test_a_refusal_is_told_in_the_upstreams_words(self, client, simulator, family, manager):
        simulator.fault(DELETE, "refuse", words="Not today")
        text = press(client, manager, there().filter(family=family).first()).content.decode()
        assert "0 of 1 passes deleted" in text
        assert "Still there" in text
        assert "Not today" in text

    def test_a_reset_after_acting_is_found_out(self, client, simulator, family, manager):
        one, other, third = there().filter(family=family)
        simulator.fault(DELETE_MANY, "reset_after", times=1)
        assert "2 passes deleted" in press(client, manager, one, other).content.decode()
        third.refresh_from_db()
        assert third.gone_at is None

    def test_the_upstream_down_or_the_trail_or_the_connection_gone_is_said(
        self, client, simulator, family, manager, settings
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        key = there().filter(family=family).first()
        with a_trail_that_refuses():
            answer = press(client, manager, key)
        assert answer.status_code == 503
        assert "audit trail is not available" in answer.content.decode()
        simulator.fault(LIST, "status", status=500)
        answer = press(client, manager, key)
        assert answer.status_code == 503
        assert "Still there" in answer.content.decode()
        Connection.objects.update(paused_at=timezone.now())
        answer = press(client, manager, key)
        assert answer.status_code == 503
        assert "no connection reaches this family" in answer.content.decode()
        assert not simulator.journal(DELETE)

    def test_what_is_not_begun_in_time_is_said_and_not_sent(
        self, client, simulator, family, manager, settings
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 1.0
        simulator.fault(LIST, "hang")
        other = next(one for one in Family.objects.exclude(pk=family.pk) if one.temp_keys.exists())
        text = press(
            client, manager, there().filter(family=family).first(), other.temp_keys.first()
        ).content.decode()
        assert "0 of 2 passes deleted" in text
        assert not simulator.journal(DELETE)
