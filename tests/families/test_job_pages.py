"""The pages of jobs: the list, one job with its rows and its poll, steering it, and its report."""

import csv
import io

import pytest
from django.urls import reverse
from django.utils import timezone

from families.models import JobState, RowState
from families.selectors.jobs import ROWS_A_PAGE
from portal.audit.models import Entry
from portal.web.presses import new_press
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    ManagerFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX, token_in
from tests.families.jobs import begun, draft, state_of

pytestmark = pytest.mark.django_db
POLL = HTMX | {"X-Poll": "1"}


@pytest.fixture
def job(manager):
    job = begun(manager, FamilyFactory.create_batch(2), 4)
    for number, state, words in (
        (1, RowState.DONE, ""),
        (2, RowState.REFUSED, "The family is full"),
        (3, RowState.UNKNOWN, "No answer came"),
    ):
        job.rows.filter(number=number).update(state=state, words=words, ended_at=timezone.now())
    return job


def address(name, *ids, **query):
    return reverse(f"families:{name}", args=ids, query=query)


def steer(client, job, what, press=""):
    token = press or new_press(int(client.session["_auth_user_id"]), f"job:{job.public_id}:{job.state}")
    return client.post(address(what, job.public_id), {"press": token})


class TestPages:
    def test_the_page_says_how_far_it_is_and_what_became_of_each_row(self, client, job):
        page = client.get(address("job_detail", job.public_id))

        assert page.status_code == 200
        assert '<progress id="job-bar" max="4" value="3"' in page.text
        assert "The family is full" in page.text
        assert "Surname3" in page.text
        assert 'data-poll hx-get="' in page.text

    def test_rows_that_were_left_out_are_not_among_those_to_send(self, client, job):
        job.rows.filter(number=1).update(state=RowState.LEFT_OUT)
        page = client.get(address("job_detail", job.public_id)).text
        assert "2 of 3 rows to send are through" in page

    @pytest.mark.parametrize(
        ("states", "shape"),
        [
            ([RowState.DONE, RowState.LEFT_OUT], "ok"),
            ([RowState.DONE, RowState.REFUSED], "warn"),
            ([RowState.REFUSED, RowState.UNKNOWN], "unknown"),
        ],
    )
    def test_one_that_ended_looks_well_only_where_every_row_was_done(self, client, manager, states, shape):
        job = begun(manager, [FamilyFactory()], 2)
        for number, state in enumerate(states, 1):
            job.rows.filter(number=number).update(state=state)
        type(job).objects.update(state=JobState.DONE)
        page = client.get(address("job_list")).text
        drawn = page.partition('status__word">Done')[0].rpartition("<td")[2]
        assert f'class="status status--{shape}"' in drawn

    def test_the_fragment_is_the_rows_alone(self, client, job):
        page = client.get(address("job_detail", job.public_id, state="refused"), headers=HTMX)

        assert page.text.lstrip().startswith("<section")
        assert "Surname2" in page.text
        assert "Surname1" not in page.text

    def test_the_list_tells_each_job(self, client, job):
        page = client.get(address("job_list"))

        assert "3 of 4" in page.text
        assert "Under way" in page.text
        fragment = client.get(address("job_list"), headers=HTMX)
        assert fragment.text.lstrip().startswith('<div class="jobs" id="job-table">')

    def test_pages_cost_the_same_for_many_rows_and_no_upstream_call(
        self, client, manager, simulator, django_assert_num_queries
    ):
        job = begun(manager, FamilyFactory.create_batch(20), ROWS_A_PAGE * 2)
        client.get(address("job_list"))
        # Session, person; the job, its rows, the families to be seen, the numbers.
        with django_assert_num_queries(6):
            first = client.get(address("job_detail", job.public_id))
        with django_assert_num_queries(4):
            client.get(address("job_list"))
        with django_assert_num_queries(4):
            client.get(address("job_progress", job.public_id), headers=POLL)
        assert simulator.journal() == []
        assert len(first.context["rows"]) == ROWS_A_PAGE
        second = client.get(first.context["after_url"])
        assert [each["row"].number for each in second.context["rows"]] == list(
            range(ROWS_A_PAGE + 1, 2 * ROWS_A_PAGE + 1)
        )
        assert client.get(second.context["before_url"]).context["rows"][0]["row"].number == 1

    def test_a_draft_is_no_job_yet(self, client, manager):
        assert client.get(address("job_detail", draft(manager, [], 0).public_id)).status_code == 404

    def test_what_was_typed_is_shown_as_text(self, client, job):
        job.rows.filter(number=1).update(values={"first_name": "<b>x</b>", "email": "{{ 7 }}@x.example"})
        page = client.get(address("job_detail", job.public_id))
        assert "&lt;b&gt;x&lt;/b&gt;" in page.text
        assert "{{ 7 }}@x.example" in page.text


class TestWhoMay:
    def test_strangers_sign_in_first(self, client, job):
        client.logout()
        assert client.get(address("job_detail", job.public_id)).status_code == 302

    def test_a_family_admin_may_not(self, client, job):
        client.force_login(FamilyAdminFactory())
        assert client.get(address("job_detail", job.public_id)).status_code == 403
        assert client.post(address("job_stop", job.public_id)).status_code == 403

    def test_an_auditor_sees_all_of_it_and_presses_nothing(self, client, job):
        auditor = AuditorFactory()
        client.force_login(auditor)
        listed = client.get(address("job_list")).text
        assert job.title in listed
        assert "Import residents" not in listed
        page = client.get(address("job_detail", job.public_id)).text
        main = page[page.index("<main") : page.index("</main>")]
        assert "Surname3" in main
        assert "<form" not in main
        assert "<button" not in main
        told = client.get(address("job_progress", job.public_id), headers=POLL).text
        assert "3 of 4 rows" in told
        assert "<form" not in told
        row = job.rows.get(number=3)
        for name in ("job_pause", "job_continue", "job_stop"):
            assert client.post(address(name, job.public_id)).status_code == 403
        for name in ("job_row_look", "job_row_close", "job_row_retry"):
            assert client.post(address(name, job.public_id, row.public_id)).status_code == 403
        assert client.get("/").status_code == 200
        assert "paused itself" not in client.get("/").text
        report = b"".join(client.get(address("job_report", job.public_id)).streaming_content).decode()
        assert "Surname4" in report
        assert Entry.objects.get(event="import.report").actor_id == auditor.pk

    def test_a_limited_auditor_sees_the_rows_of_their_properties_alone(self, client, manager):
        tower, other = PropertyFactory(), PropertyFactory()
        theirs, foreign = FamilyFactory(property=tower), FamilyFactory(property=other)
        both = begun(manager, [theirs, foreign], 4)
        alone = begun(manager, [foreign], 2)
        both.rows.filter(number__lte=3).update(state=RowState.DONE)
        client.force_login(
            PropertyLimitFactory(property=tower, person__is_limited=True, person__role="auditor").person
        )

        listed = client.get(address("job_list")).text
        assert both.title in listed
        assert alone.title not in listed
        assert "2 of 2" in listed
        page = client.get(address("job_detail", both.public_id)).text
        assert "2 of 2 rows" in page
        assert ["Surname1" in page, "Surname2" in page, "Surname3" in page] == [True, True, False]
        report = b"".join(client.get(address("job_report", both.public_id)).streaming_content).decode()
        assert ["Surname2" in report, "Surname3" in report] == [True, False]
        for name in ("job_detail", "job_progress", "job_report"):
            assert client.get(address(name, alone.public_id)).status_code == 404

    def test_another_limited_managers_job_is_not_there(self, client, job):
        client.force_login(ManagerFactory(is_limited=True))
        for name in ("job_detail", "job_progress", "job_report"):
            assert client.get(address(name, job.public_id)).status_code == 404
        row = job.rows.get(number=3)
        for name in ("job_pause", "job_stop"):
            assert client.post(address(name, job.public_id)).status_code == 404
        assert client.post(address("job_row_retry", job.public_id, row.public_id)).status_code == 404
        assert state_of(job) == JobState.RUNNING

    def test_a_family_that_is_not_theirs_any_more_is_not_named(self, client):
        tower = PropertyFactory()
        limited = PropertyLimitFactory(property=tower, person__is_limited=True).person
        family = FamilyFactory(name="Casa Núñez", property=tower)
        job = begun(limited, [family], 1)
        client.force_login(limited)
        assert "Casa Núñez" in client.get(address("job_detail", job.public_id)).text
        family.property = None
        family.save()
        for name in ("job_detail", "job_report"):
            answer = client.get(address(name, job.public_id))
            told = b"".join(answer.streaming_content).decode() if answer.streaming else answer.text
            assert "Casa Núñez" not in told


class TestPoll:
    def test_nothing_new_is_204_and_something_new_is_the_progress(self, client, job):
        page = client.get(address("job_detail", job.public_id))
        poll = page.context["poll_url"]

        assert client.get(poll, headers=POLL).status_code == 204
        job.rows.filter(number=4).update(state=RowState.DONE)
        moved = client.get(poll, headers=POLL)

        assert moved.status_code == 200
        assert 'value="4"' in moved.text
        # A question that is open stays open while only the numbers move.
        assert 'id="job-actions"' not in moved.text
        assert "HX-Trigger" not in moved

    def test_while_no_row_waits_for_a_person_the_rows_are_renewed_with_the_numbers(self, client, manager):
        job = begun(manager, FamilyFactory.create_batch(2), 4)
        client.force_login(manager)
        poll = client.get(address("job_detail", job.public_id)).context["poll_url"]
        job.rows.filter(number=1).update(state=RowState.DONE)

        assert client.get(poll, headers=POLL)["HX-Trigger"] == "job-moved"

    def test_once_nothing_is_on_its_way_in_a_paused_job_the_rows_are_renewed(self, client, job):
        job.rows.filter(number=4).update(state=RowState.CLAIMED)
        steer(client, job, "job_pause")
        poll = client.get(address("job_detail", job.public_id)).context["poll_url"]
        job.rows.filter(number=4).update(state=RowState.DONE)

        assert client.get(poll, headers=POLL)["HX-Trigger"] == "job-moved"

    def test_where_it_stands_elsewhere_the_buttons_come_along(self, client, job):
        poll = client.get(address("job_detail", job.public_id)).context["poll_url"]
        steer(client, job, "job_pause")

        moved = client.get(poll, headers=POLL)

        assert 'id="job-actions" hx-swap-oob="outerHTML"' in moved.text
        assert "Let it go on" in moved.text
        assert moved["HX-Trigger"] == "job-moved"

    def test_opened_directly_it_leads_to_the_page(self, client, job):
        answer = client.get(address("job_progress", job.public_id))
        assert answer["Location"] == address("job_detail", job.public_id)


class TestSteering:
    def test_pause_go_on_and_stop_are_done_and_on_the_trail(self, client, job, manager):
        for what, state in (
            ("job_pause", JobState.PAUSED),
            ("job_continue", JobState.RUNNING),
            ("job_stop", JobState.STOPPED),
        ):
            assert steer(client, job, what)["Location"] == address("job_detail", job.public_id)
            assert state_of(job) == state
        told = Entry.objects.filter(object_kind="job", actor=manager).order_by("number")
        assert list(told.values_list("event", flat=True)) == [
            "import.confirm",
            "import.pause",
            "import.continue",
            "import.stop",
        ]
        assert job.rows.get(number=4).state == RowState.NOT_SENT

    def test_a_page_that_is_too_old_changes_nothing(self, client, job):
        token = token_in(client.get(address("job_detail", job.public_id)).text)
        steer(client, job, "job_pause")
        answer = client.post(address("job_stop", job.public_id), {"press": token}, follow=True)
        assert "It has moved on since this page was loaded. Nothing was done now" in answer.text
        assert state_of(job) == JobState.PAUSED

    @pytest.mark.parametrize("press", ["", "forged"])
    def test_without_a_good_press_nothing_happens(self, client, job, press):
        client.post(address("job_stop", job.public_id), {"press": press})
        assert state_of(job) == JobState.RUNNING


class TestReport:
    def test_it_holds_every_row_and_no_formula(self, client, job, manager):
        job.rows.filter(number=1).update(
            values={"first_name": '=cmd("x")', "last_name": "-1", "email": "@x", "auth": "user"}
        )
        answer = client.get(address("job_report", job.public_id))

        text = b"".join(answer.streaming_content).decode()
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer["Content-Disposition"].startswith('attachment; filename="import-')
        assert text.startswith("\ufeff")
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
        assert rows[0] == [
            "Line",
            "First name",
            "Last name",
            "E-mail",
            "Family",
            "Rights",
            "Result",
            "Words",
            "When",
        ]
        assert rows[1][:3] == ["1", '\'=cmd("x")', "'-1"]
        assert rows[1][3] == "'@x"
        assert [row[6] for row in rows[1:]] == ["Done", "Refused", "Unknown", "Waiting"]
        assert rows[2][7] == "The family is full"
        assert Entry.objects.filter(event="import.report", actor=manager).count() == 1
