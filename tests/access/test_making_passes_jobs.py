"""Many passes as a job: agreed to once, each asked for once whatever dies, found afterwards where no answer came."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from access.models import TempKey
from access.services.passes import jobs as passes
from access.services.passes.jobs import Wanted
from access.services.passes.making import Wish
from families.models import Family, Job, JobRow, JobState, Kind, RowState
from families.services import jobs
from families.services.jobs import claims, running
from portal.audit.models import Command, Entry, State
from portal.web.presses import new_press
from tests.access.making import CREATE, sent, upstream
from tests.access.passing import LIST, read_passes, there
from tests.factories import AuditorFactory, FamilyAdminFactory, ManagerFactory, PropertyFactory
from tests.families.house import a_trail_that_refuses, token_in
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "/passes/new/"
STARTS = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


@pytest.fixture
def connection(simulator):
    simulator.reset(families=3)
    return connect(simulator)


@pytest.fixture
def families(simulator, connection):
    read(connection, Kind.FAMILIES, Kind.MEMBERS, Kind.TEMP_KEYS)
    simulator.clear_journal()
    return list(Family.objects.order_by("pk"))


@pytest.fixture
def manager():
    return ManagerFactory(name="Ana Prado")


def wish(label="Cleaning", **changes):
    return Wish(
        **{"label": label, "starts_at": STARTS, "ends_at": STARTS + timedelta(hours=3), "uses": 10} | changes
    )


def begin(user, families, *people, press="press"):
    wanted = [Wanted(one, wish(visitor_name=name)) for one in families for name in people or ("",)]
    return passes.begin(user, wanted, not_after=timezone.now() + timedelta(hours=1), press=press)


def states(job):
    return sorted(job.rows.values_list("state", flat=True))


class TestDone:
    def test_each_row_is_asked_for_once_and_becomes_a_pass(self, simulator, families, manager):
        job = begin(manager, families, "Rui", "Eva")
        assert not simulator.journal()
        jobs.work(30)
        job.refresh_from_db()
        assert (job.state, states(job)) == (JobState.DONE, [RowState.DONE] * 6)
        assert [row["count"] for row in sent(simulator)] == [10] * 6
        made = TempKey.objects.filter(made_by=manager)
        assert sorted(made.values_list("visitor_name", flat=True)) == ["Eva"] * 3 + ["Rui"] * 3
        assert not made.filter(fingerprint="").exists()
        assert {row.command.temp_key.family_id for row in job.rows.select_related("command")} == {
            one.pk for one in families
        }
        events = Entry.objects.filter(event="passes.confirm")
        assert [(entry.actor, entry.object_id) for entry in events] == [(manager, job.public_id)]

    def test_the_same_press_begins_one_job(self, families, manager):
        assert begin(manager, families) == begin(manager, families)
        assert begin(manager, families, press="other").pk != Job.objects.first().pk
        assert Job.objects.count() == 2

    def test_only_managers_begin_one(self, families):
        for person in (FamilyAdminFactory(), AuditorFactory()):
            with pytest.raises(PermissionDenied):
                begin(person, families)
        assert not Job.objects.exists()

    def test_what_is_beyond_a_familys_hour_is_not_sent_and_can_be_sent_once_more(
        self, simulator, families, manager, settings
    ):
        settings.PASSES_PER_FAMILY_AN_HOUR = 2
        job = begin(manager, families[:1], "Rui", "Eva", "Ivo")
        jobs.work(30)
        assert states(job) == [RowState.DONE, RowState.DONE, RowState.NOT_SENT]
        row = job.rows.get(state=RowState.NOT_SENT)
        assert "At most 2 passes an hour" in row.words
        settings.PASSES_PER_FAMILY_AN_HOUR = 0
        running.retry_row(manager, row)
        jobs.work(30)
        assert states(job) == [RowState.DONE] * 3
        assert len(sent(simulator)) == 3

    def test_a_window_that_is_over_is_not_asked_for(self, simulator, families, manager):
        ago = timezone.now().replace(microsecond=0) - timedelta(hours=5)
        wanted = [Wanted(families[0], wish(starts_at=ago, ends_at=ago + timedelta(hours=1)))]
        job = passes.begin(manager, wanted, not_after=timezone.now() + timedelta(hours=1), press="p")
        jobs.work(30)
        assert states(job) == [RowState.TOO_LATE]
        assert not simulator.journal(CREATE)

    def test_it_pauses_and_goes_on_without_a_pass_made_twice(self, simulator, families, manager):
        job = begin(manager, families, "Rui", "Eva")
        running.pause(manager, job)
        assert jobs.work(2) == 0
        assert not simulator.journal(CREATE)
        running.go_on(manager, job)
        jobs.work(30)
        assert len(sent(simulator)) == 6


class TestInterrupted:
    @pytest.mark.parametrize("state", [State.INTENT, State.SENT])
    def test_a_worker_that_was_killed_leaves_no_pass_made_twice(
        self, simulator, connection, families, manager, state
    ):
        job = begin(manager, families[:1])
        row = job.rows.get()
        # As after kill -9 in the middle of the row: claimed, its command begun, and perhaps sent.
        passes.perform(job, row, manager)
        Command.objects.update(state=state, deadline_at=timezone.now() - timedelta(seconds=5))
        TempKey.objects.filter(made_by=manager).update(fingerprint="")
        JobRow.objects.update(
            state=RowState.CLAIMED, claimed_by="dead", claimed_until=timezone.now() - timedelta(seconds=1)
        )
        assert claims.recover() == 1
        row.refresh_from_db()
        if state == State.INTENT:
            # Nothing was sent under that press, and nothing can be: it is the next attempt's turn.
            assert (row.state, row.attempt) == (RowState.WAITING, 2)
            return
        assert row.state == RowState.UNKNOWN
        jobs.work(5)
        assert len(sent(simulator)) == 1
        read_passes(connection)
        row.refresh_from_db()
        assert row.state == RowState.DONE
        assert there().filter(family=families[0], made_by=manager).count() == 1
        assert there().filter(family=families[0]).count() == len(upstream(simulator, families[0]))

    def test_rows_without_an_answer_are_found_or_looked_for(
        self, simulator, connection, families, manager, settings
    ):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        job = begin(manager, families[:1])
        simulator.fault(CREATE, "reset_before", times=1)
        jobs.work(5)
        row = job.rows.get()
        assert row.state == RowState.UNKNOWN
        assert running.look_at_row(manager, row) is False
        key = TempKey.objects.get(made_by=manager)
        assert passes.address(row) == reverse("access:pass_match", args=[key.public_id])
        # It comes after all, a moment later.
        client_of = simulator.journal(CREATE)
        assert len(client_of) == 1
        running.retry_row(manager, row)
        jobs.work(10)
        row.refresh_from_db()
        assert (row.state, row.attempt) == (RowState.DONE, 2)
        read_passes(connection)
        assert there().filter(family=families[0]).count() == len(upstream(simulator, families[0]))

    def test_a_look_finds_what_was_made(self, simulator, connection, families, manager, settings):
        settings.UPSTREAM_DEADLINE_SECONDS = 2.0
        job = begin(manager, families[:1])
        simulator.fault(CREATE, "reset_after", times=1)
        simulator.fault(LIST, "latency", seconds=0.0, times=1)
        simulator.fault(LIST, "html")
        jobs.work(5)
        simulator.clear_faults()
        row = job.rows.get()
        assert row.state == RowState.UNKNOWN
        assert running.look_at_row(manager, row) is True
        row.refresh_from_db()
        assert row.state == RowState.DONE
        assert len(sent(simulator)) == 1


class TestPages:
    def press(self, client, person, families, **changes):
        data = {
            "press": new_press(person.pk, "make-passes"),
            "family": [one.public_id for one in families],
            "label": "Cleaning",
            "visitors": "Rui, rui@x.example\nEva",
            "window": "tomorrow",
            "often": "10",
        }
        return client.post(NEW, data | changes)

    def fields(self, page):
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
        kept = {}
        for name, value in found:
            kept.setdefault(name, []).append(value)
        return kept

    def test_they_are_shown_before_and_begin_when_somebody_agrees(self, client, simulator, families, manager):
        client.force_login(manager)
        page = self.press(client, manager, families)
        assert page.status_code == 200
        assert "Make 6 passes?" in page.text
        assert "2 visitors" in page.text
        assert not Job.objects.exists()
        agreed = self.fields(page) | {"step": "confirm", "hours": "4"}
        answer = client.post(NEW, agreed)
        job = Job.objects.get()
        assert answer.status_code == 302
        assert answer["Location"] == reverse("families:job_detail", args=[job.public_id])
        assert client.post(NEW, agreed)["Location"] == answer["Location"]
        assert (job.title, job.rows.count()) == ("6 passes: Cleaning", 6)
        assert timedelta(hours=3) < job.not_after - timezone.now() <= timedelta(hours=4)
        assert not simulator.journal()
        jobs.work(30)
        page = client.get(answer["Location"])
        key = TempKey.objects.filter(made_by=manager).first()
        assert reverse("access:pass_detail", args=[key.public_id]) in page.text
        assert "Rights" not in page.text
        report = b"".join(client.get(reverse("families:job_report", args=[job.public_id]))).decode()
        assert "Rights" not in report
        assert "Eva" in report

    def test_one_goes_back_with_what_was_typed(self, client, families, manager):
        client.force_login(manager)
        page = self.press(client, manager, families)
        answer = client.post(NEW, self.fields(page) | {"step": "back"})
        assert answer.status_code == 200
        assert "Rui, rui@x.example" in answer.text
        assert len(re.findall(r'name="family" value="[^"]+" checked', answer.text)) == 3

    def test_all_families_of_a_property_and_others_than_before_are_asked_about_anew(
        self, client, families, manager
    ):
        place = PropertyFactory(name="Riverside")
        Family.objects.filter(pk__in=[one.pk for one in families[:2]]).update(property=place)
        client.force_login(manager)
        page = self.press(client, manager, [], place=place.public_id)
        assert "Make 4 passes?" in page.text
        Family.objects.update(property=place)
        answer = client.post(NEW, self.fields(page) | {"step": "confirm", "hours": "4"})
        assert answer.status_code == 409
        assert "Make 6 passes?" in answer.text
        assert not Job.objects.exists()

    def test_a_wrong_end_or_an_old_page_begins_nothing(self, client, families, manager):
        client.force_login(manager)
        page = self.press(client, manager, families)
        kept = self.fields(page)
        assert client.post(NEW, kept | {"step": "confirm", "hours": "9999"}).status_code == 422
        answer = client.post(NEW, kept | {"step": "confirm", "hours": "4", "press": "forged"})
        assert answer.status_code == 409
        assert "This page is too old" in answer.text
        assert token_in(answer.text)
        assert not Job.objects.exists()

    def test_without_the_trail_none_begins_and_the_page_says_so(self, client, families, manager):
        client.force_login(manager)
        kept = self.fields(self.press(client, manager, families))
        with a_trail_that_refuses():
            answer = client.post(NEW, kept | {"step": "confirm", "hours": "4"})
        assert answer.status_code == 503
        assert "the audit trail is not available" in answer.text
        assert not Job.objects.exists()

    def test_without_the_trail_a_job_that_runs_is_left_as_it_is(self, client, families, manager):
        client.force_login(manager)
        page = self.press(client, manager, families)
        client.post(NEW, self.fields(page) | {"step": "confirm", "hours": "4"})
        job = Job.objects.get()
        token = new_press(manager.pk, f"job:{job.public_id}:{job.state}")
        with a_trail_that_refuses():
            answer = client.post(reverse("families:job_stop", args=[job.public_id]), {"press": token})
        assert answer.status_code == 503
        assert "the audit trail is not available" in answer.text
        job.refresh_from_db()
        assert job.state == JobState.RUNNING

    def test_what_began_and_was_only_not_secured_is_told_as_done(
        self, client, families, manager, settings, tmp_path
    ):
        client.force_login(manager)
        kept = self.fields(self.press(client, manager, families))
        settings.AUDIT_HEADS_FILE = tmp_path / "file" / "heads"
        (tmp_path / "file").touch()
        answer = client.post(NEW, kept | {"step": "confirm", "hours": "4"})
        assert answer.status_code == 503
        assert "It was done and written down" in answer.text
        assert Job.objects.count() == 1

    def test_a_family_admin_begins_none(self, client, families):
        person = FamilyAdminFactory()
        client.force_login(person)
        assert self.press(client, person, families).status_code == 404
        assert not Job.objects.exists()
