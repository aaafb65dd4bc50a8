"""Renaming a family: one press, one command, and words that are true."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from families.models import Change, Grant, SyncState
from families.services import names
from portal.audit.models import Command, Entry, State
from portal.web.presses import new_press
from tests.audit.trails import holds
from tests.factories import (
    AuditorFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
)
from tests.families.asking import RENAME, name_upstream, rename, rename_address
from tests.families.house import HTMX, token_in

pytestmark = pytest.mark.django_db


class TestRenaming:
    def test_a_manager_renames_and_the_trail_tells_it(self, client, simulator, family):
        before = family.name

        answer = rename(client, ManagerFactory(name="Ana"), family, "  Casa Núñez ")

        assert answer.status_code == 200
        assert '<div class="family-name" id="family-name">' in answer.text
        assert "<h1>Casa Núñez</h1>" in answer.text
        assert 'hx-swap-oob="innerHTML:#notices"' in answer.text
        assert "is now called “Casa Núñez”" in answer.text
        assert answer["HX-Trigger"] == "family-renamed"
        [sent] = simulator.journal(RENAME)
        assert sent["param"] == {"residence_id": family.residence_id, "family_name": "Casa Núñez"}
        assert sent["executed"]
        command = Command.objects.get()
        assert (command.state, command.command_id) == (State.SUCCEEDED, sent["id"])
        assert (command.family_name, command.actor_name) == (before, "Ana")
        steps = Entry.objects.filter(event="family.rename").order_by("number")
        assert list(steps.values_list("phase", "outcome")) == [
            ("intent", ""),
            ("sent", ""),
            ("outcome", "succeeded"),
        ]
        assert holds()

    def test_the_new_name_is_there_at_once_and_found(self, client, simulator, family):
        rename(client, ManagerFactory(), family, "Casa Núñez")

        family.refresh_from_db()
        assert (family.name, family.search_text) == ("Casa Núñez", "casa nunez")
        assert "Casa Núñez" in client.get(reverse("families:family_list") + "?q=nunez").text
        assert not Change.objects.exists()

    def test_what_the_upstream_made_of_it_is_read_back(self, client, simulator, family):
        long_ago = timezone.now() - timedelta(hours=1)
        SyncState.objects.update(last_good_at=long_ago)

        rename(client, ManagerFactory(), family)

        assert len(simulator.journal("get_family_info")) == 1
        assert SyncState.objects.get().last_good_at > long_ago

    def test_a_name_that_cannot_be_read_back_is_read_by_the_next_sync(self, client, simulator, family):
        simulator.fault("get_family_info", "status", status=500)

        answer = rename(client, ManagerFactory(), family)

        assert answer.status_code == 200
        family.refresh_from_db()
        assert family.name == "New name"
        assert SyncState.objects.get().due_at <= timezone.now()

    def test_without_a_script_one_comes_back_to_the_page_with_a_message(self, client, simulator, family):
        answer = rename(client, ManagerFactory(), family, headers={})

        assert answer.status_code == 302
        page = client.get(answer["Location"]).text
        assert "is now called “New name”" in page
        assert "<h1>New name</h1>" in page

    def test_a_repeat_of_the_press_sends_nothing_more(self, client, simulator, family):
        manager = ManagerFactory()
        token = new_press(manager.pk, f"rename:{family.public_id}")

        first, second = (rename(client, manager, family, press=token) for _ in range(2))

        assert [first.status_code, second.status_code] == [200, 200]
        assert len(simulator.journal(RENAME)) == 1

    def test_a_press_that_sent_one_name_is_not_good_for_another(self, client, simulator, family):
        manager = ManagerFactory()
        token = new_press(manager.pk, f"rename:{family.public_id}")
        rename(client, manager, family, "One", press=token)

        answer = rename(client, manager, family, "Two", press=token)

        assert answer.status_code == 422
        assert "too old" in answer.text
        assert 'value="Two"' in answer.text
        assert len(simulator.journal(RENAME)) == 1

    def test_a_fresh_token_comes_with_a_refused_form(self, client, simulator, family):
        manager = ManagerFactory()
        answer = rename(client, manager, family, press="forged")

        again = rename(client, manager, family, press=token_in(answer.text))

        assert again.status_code == 200
        assert len(simulator.journal(RENAME)) == 1

    def test_an_expired_token_of_the_upstream_is_no_reason_to_fail(self, client, simulator, family):
        # A pasted token cannot be renewed: refused, and the person is told what to do.
        simulator.fault(RENAME, "unauthorized")
        simulator.fault("get_family_list", "unauthorized")

        answer = rename(client, ManagerFactory(), family)

        assert answer.status_code == 503
        assert "sign it in again" in answer.text
        assert name_upstream(simulator, family) == family.name


class TestForm:
    def test_the_form_is_a_fragment(self, client, simulator, family):
        client.force_login(ManagerFactory())

        answer = client.get(rename_address(family), headers=HTMX)

        assert '<div class="family-name" id="family-name">' in answer.text
        assert f'value="{family.name}"' in answer.text
        assert "csrfmiddlewaretoken" in answer.text
        assert "<html" not in answer.text

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("", "needs a name"),
            ("   ", "spaces alone"),
            ("\u3000\u2003", "spaces alone"),
            ("x" * 65, "at most 64 characters; this one has 65"),
            ("x" * 10_000, "at most 64 characters; this one has 10,000"),
            ("a\u200bb", "ZERO WIDTH SPACE (U+200B)"),
            ("a\u202eb", "RIGHT-TO-LEFT OVERRIDE (U+202E)"),
            ("a\u2066b", "LEFT-TO-RIGHT ISOLATE (U+2066)"),
            ("a\nb", "LINE FEED (U+000A)"),
            ("a\0b", "NULL (U+0000)"),
            ("a\x1bb", "CONTROL CHARACTER (U+001B)"),
            ("\u3164", "HANGUL FILLER (U+3164)"),
        ],
    )
    @pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
    def test_a_name_that_cannot_be_is_said_beside_the_field(
        self, client, simulator, family, name, words, headers
    ):
        answer = rename(client, ManagerFactory(), family, name, headers=headers)

        assert answer.status_code == 422
        assert words in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert ("<html" in answer.text) == (not headers)
        assert simulator.journal() == []
        assert not Command.objects.exists()
        if name.strip() and "\0" not in name:
            assert f'value="{name}"' in answer.text

    @pytest.mark.parametrize("name", ["李家", "עדי", "Ж", "x" * 64, "<b>{{ 7 }}</b>", "O’Neil & Søn", "🏠"])
    def test_any_script_and_any_visible_sign_is_a_name(self, client, simulator, family, name):
        assert rename(client, ManagerFactory(), family, name).status_code == 200
        assert name_upstream(simulator, family) == name

    def test_a_name_is_one_line_with_plain_spaces(self, client, simulator, family):
        assert rename(client, ManagerFactory(), family, "  Casa \u00a0 Nu\u0301n\u0303ez ").status_code == 200
        assert name_upstream(simulator, family) == "Casa Núñez"

    def test_markup_is_shown_as_text(self, client, simulator, family):
        answer = rename(client, ManagerFactory(), family, "<script>x</script>")

        assert "<script>x" not in answer.text
        assert "&lt;script&gt;x" in answer.text

    def test_fields_that_nobody_asked_for_do_nothing(self, client, simulator, family):
        manager = ManagerFactory()
        client.force_login(manager)
        other = FamilyFactory()
        data = {
            "name": "New name",
            "press": new_press(manager.pk, f"rename:{family.public_id}"),
            "residence_id": other.residence_id,
            "is_superuser": "1",
        }

        client.post(rename_address(family), data, headers=HTMX)

        assert [row["residence_id"] for row in simulator.journal(RENAME)] == [family.residence_id]


class TestWhoMay:
    def test_a_family_admin_renames_their_own(self, client, simulator, family):
        assert rename(client, GrantFactory(family=family).person, family).status_code == 200
        assert name_upstream(simulator, family) == "New name"

    def test_another_family_is_a_404_and_nothing_is_sent(self, client, simulator, family):
        person = GrantFactory().person

        assert rename(client, person, family).status_code == 404
        client.force_login(person)
        assert client.get(rename_address(family), headers=HTMX).status_code == 404
        assert simulator.journal() == []

    def test_a_grant_withdrawn_with_the_form_open_is_gone(self, client, simulator, family):
        person = GrantFactory(family=family).person
        Grant.objects.all().delete()

        assert rename(client, person, family).status_code == 404
        assert simulator.journal() == []

    def test_an_auditor_may_not(self, client, simulator, family):
        auditor = AuditorFactory()

        assert rename(client, auditor, family).status_code == 403
        assert client.get(rename_address(family), headers=HTMX).status_code == 403
        assert simulator.journal() == []

    def test_the_service_checks_again(self, simulator, family):
        for person in (AuditorFactory(), GrantFactory().person, ManagerFactory(is_active=False)):
            with pytest.raises(PermissionDenied):
                names.rename_family(person, family=family, name="X", press="p")
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_nobody_may_without_signing_in(self, client, simulator, family):
        assert client.post(rename_address(family), {"name": "X"}).status_code == 302
        answer = client.post(rename_address(family), {"name": "X"}, headers=HTMX)
        assert answer["HX-Redirect"] == reverse("account_login")
        assert simulator.journal() == []

    def test_anothers_press_is_refused(self, client, simulator, family):
        token = new_press(ManagerFactory().pk, f"rename:{family.public_id}")

        assert rename(client, ManagerFactory(), family, press=token).status_code == 422
        assert simulator.journal() == []

    def test_a_press_for_another_family_is_refused(self, client, simulator, family):
        manager = ManagerFactory()
        token = new_press(manager.pk, f"rename:{FamilyFactory().public_id}")

        assert rename(client, manager, family, press=token).status_code == 422
        assert simulator.journal() == []
