"""The page of one pass, and the words that are said of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import TempKey
from access.selectors.passes import PassFilter, list_passes
from access.services.passes.changing import change_pass
from access.services.passes.naming import about
from portal.audit import trail
from portal.audit.models import Entry
from portal.audit.trail import By
from tests.access.handing import Given, deeds
from tests.factories import (
    AuditorFactory,
    DeviceFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
    ReachFactory,
    RelayFactory,
    TempKeyFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def family():
    place = PropertyFactory(name="Riverside", time_zone="Europe/Lisbon", visitor_contact="Porter, 555 0100")
    family = FamilyFactory(name="Casa Núñez", property=place)
    for name in ("Front door", "Garage", "Front door"):
        RelayFactory(device=DeviceFactory(family=family), name=name)
    return family


@pytest.fixture
def key(family):
    MemberFactory(family=family, account_id="ours", first_name="Estate", last_name="Office")
    return TempKeyFactory(
        family=family,
        reach=ReachFactory(family=family, account_id="ours"),
        label="Plumber",
        visitor_name="Rui Sá",
        visitor_email="rui@plumbers.example",
        note="Leaves the key",
        made_by=ManagerFactory(name="Ana Prado"),
        starts_at=datetime(2030, 7, 1, 8, tzinfo=UTC),
        ends_at=datetime(2030, 7, 1, 18, tzinfo=UTC),
        uses=3,
    )


def path(key, tail=""):
    return f"/passes/{key.public_id}/{tail}"


def get(client, person, address, **headers):
    client.force_login(person)
    return client.get(address, headers=headers or None)


class TestThePage:
    def test_it_says_all_that_is_known(self, client, key):
        text = get(client, ManagerFactory(), path(key)).text
        for words in (
            "Plumber", "Rui Sá, rui@plumbers.example", "1 Jul 2030 09:00 – 19:00", "1 Jul 2030 08:00 – 18:00 UTC",
            "Lisbon", "<dd>3</dd>", "Coming", "Ana Prado", "Estate Office", "Leaves the key", "Riverside", "Garage",
        ):  # fmt: skip
            assert words in text, words
        assert text.count("<bdi>Front door</bdi>") == 1
        assert "Show code" in text
        assert "Delete …" in text

    def test_the_fragment(self, client, key):
        text = get(client, ManagerFactory(), path(key), **HTMX).text
        assert 'id="pass-detail"' in text
        assert "<html" not in text

    def test_the_rows_of_the_lists_lead_to_it(self, client, key):
        assert f'href="{path(key)}"' in get(client, ManagerFactory(), "/passes/").text

    def test_nobody_comes_without_signing_in(self, client, key):
        for tail in ("", "words/", "mails/"):
            assert client.get(path(key, tail))["Location"].startswith("/account/login/")
            assert client.get(path(key, tail), headers=HTMX)["HX-Redirect"] == "/account/login/"

    def test_somebody_elses_pass_is_not_there(self, client, key):
        later = GrantFactory(family=key.family, starts_at=timezone.now() + timedelta(days=1)).person
        for person in (FamilyAdminFactory(), ManagerFactory(is_limited=True), later):
            for tail in ("", "words/", "mails/"):
                assert get(client, person, path(key, tail)).status_code == 404
        assert get(client, ManagerFactory(), "/passes/AAAAAAAAAAAAAAAAAAAAAA/").status_code == 404

    def test_a_limited_manager_of_its_property_comes(self, client, key):
        person = PropertyLimitFactory(property=key.family.property).person
        assert get(client, person, path(key)).status_code == 200

    def test_an_auditor_looks_and_hands_nothing_over(self, client, key):
        text = get(client, AuditorFactory(), path(key)).text
        assert "Plumber" in text
        for words in (
            "Show code",
            "Send by e-mail",
            "Print a sheet",
            "Make a link",
            "Change words",
            "Delete …",
        ):
            assert words not in text
        for tail in ("words/", "mails/"):
            assert get(client, AuditorFactory(), path(key, tail)).status_code == 403

    def test_a_family_admin_hands_over_what_they_made_alone_and_sees_no_connection(self, client, key):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=key.family, starts_at=timezone.now() - timedelta(days=1))
        TempKey.objects.filter(pk=key.pk).update(made_after=timezone.now())
        text = get(client, person, path(key)).text
        assert "Show code" not in text
        assert key.reach.connection.name not in text
        assert "Estate Office" not in text
        for tail in ("words/", "mails/"):
            answer = get(client, person, path(key, tail))
            assert answer.status_code == 409
            assert "Somebody else made this pass." in answer.text
        TempKey.objects.filter(pk=key.pk).update(made_by=person)
        assert "Show code" in get(client, person, path(key)).text

    def test_the_words_for_a_visitor_have_window_doors_and_whom_to_call_and_no_code(self, client, key):
        text = get(client, ManagerFactory(), path(key)).text
        words = text[text.index('id="pass-words-plain"') :]
        words = words[: words.index("</div>")]
        assert "From: Monday 1 July 2030, 09:00 (Lisbon time)" in words
        assert "Doors of the house: Front door · Garage" in words
        assert "Good for 3 openings" in words
        assert "If a door does not open: Porter, 555 0100" in words
        assert "Code:" not in words

    def test_what_came_from_outside_is_text(self, client, key):
        nasty = '<b hx-get="/x">{{ 7 }}</b>'
        TempKey.objects.filter(pk=key.pk).update(label=nasty, visitor_name=nasty, note=nasty)
        key.family.name = nasty
        key.family.save()
        text = get(client, ManagerFactory(), path(key)).text
        assert "<b hx-get" not in text
        assert text.count("&lt;b hx-get") >= 4

    @pytest.mark.django_db(transaction=True)
    def test_it_asks_the_upstream_nothing(self, client, simulator):
        given = Given.of(simulator)
        assert get(client, ManagerFactory(), given.path()).status_code == 200
        assert simulator.journal() == []
        simulator.stop()
        text = get(client, ManagerFactory(), given.path()).text
        assert given.digits not in text
        assert given.grouped not in text

    def test_its_queries_do_not_grow(self, client, key):
        person = ManagerFactory()
        client.force_login(person)
        counts = []
        for more in (1, 12):
            for number in range(more):
                RelayFactory(device=DeviceFactory(family=key.family), name=f"Door {more} {number}")
                trail.record("pass.change", By.person(person), about(key))
            client.get(path(key), headers=HTMX)
            with CaptureQueriesContext(database) as captured:
                client.get(path(key), headers=HTMX)
            counts.append(len(captured))
        assert counts[0] == counts[1] <= 10


class TestTrouble:
    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"gone_at": timezone.now()}, "The door system has no such pass any more."),
            ({"fingerprint": ""}, "Nobody knows which of the door system’s passes it is."),
            ({"account_id": "another"}, "The account whose pass it is cannot be asked now."),
        ],
    )
    def test_it_says_what_is_the_matter_and_offers_no_code(self, client, key, fields, words):
        TempKey.objects.filter(pk=key.pk).update(**fields)
        text = get(client, ManagerFactory(), path(key)).text
        assert words in text
        assert "Show code" not in text
        assert "Print a sheet" not in text
        assert "Make another pass" in text or "account_id" in fields

    def test_one_that_is_over_is_not_handed_over(self, client, key):
        TempKey.objects.filter(pk=key.pk).update(
            starts_at=timezone.now() - timedelta(days=2), ends_at=timezone.now() - timedelta(days=1)
        )
        text = get(client, ManagerFactory(), path(key)).text
        assert "Send by e-mail" not in text
        assert "Make a link" not in text
        assert get(client, ManagerFactory(), path(key, "mails/")).status_code == 409


class TestTheTrailOfAPass:
    def test_those_who_may_read_the_trail_see_all_the_maker_what_they_did(self, client, key):
        maker = FamilyAdminFactory(name="Eva")
        GrantFactory(person=maker, family=key.family, starts_at=timezone.now() - timedelta(days=1))
        TempKey.objects.filter(pk=key.pk).update(made_by=maker, made_after=timezone.now())
        other = ManagerFactory(name="Ana Prado")
        trail.record("pass.mail", By.person(maker), about(key), parameters={"address": "rui@visitor.example"})
        trail.record("pass.sheet", By.person(other), about(key))
        trail.record("visitor_link.show", By.visitor(), about(key))
        for person, told, untold in (
            (
                AuditorFactory(),
                (
                    "Pass sent by e-mail",
                    "rui@visitor.example",
                    "Eva",
                    "Sheet of a pass printed",
                    "the visitor",
                ),
                (),
            ),
            (maker, ("Pass sent by e-mail", "you", "the visitor"), ("Sheet of a pass printed",)),
        ):
            text = get(client, person, path(key)).text
            words = text[text.index('id="pass-trail-heading"') :]
            assert all(one in words for one in told)
            assert not any(one in words for one in untold)


class TestWords:
    def fields(self, **fields):
        return {
            "label": "Baker",
            "visitor_name": "Zé",
            "visitor_email": "ze@bread.example",
            "note": "",
        } | fields

    def test_one_made_elsewhere_gets_a_label_and_is_found_by_it(self, client, family):
        key = TempKeyFactory(family=family)
        manager = ManagerFactory()
        assert get(client, manager, path(key, "words/")).status_code == 200
        answer = client.post(path(key, "words/"), self.fields(), headers={})
        assert answer["Location"] == path(key)
        assert list_passes(manager, PassFilter(text="baker")).rows == [key]
        entry = Entry.objects.get(event="pass.change")
        assert '"after": "Baker"' in entry.parameters
        assert entry.object_id == key.public_id

    def test_the_same_again_writes_nothing(self, client, key):
        same = {name: getattr(key, name) for name in ("label", "visitor_name", "visitor_email", "note")}
        client.force_login(ManagerFactory())
        assert client.post(path(key, "words/"), same).status_code == 302
        assert deeds("pass.change") == []

    @pytest.mark.parametrize(
        ("field", "typed", "words"),
        [
            ("visitor_email", "a@b.example, c@d.example", "Type one address"),
            ("visitor_email", "a@b.example\r\nBcc: c@d.example", "One address, on one line."),
            ("label", "x" * 101, "at most 100 characters"),
            ("label", "zero\u200bwidth", "cannot be seen"),
            ("note", "two\nlines", "cannot be seen"),
        ],
    )
    def test_what_cannot_be_kept_is_said_beside_the_field(self, client, key, field, typed, words):
        client.force_login(ManagerFactory())
        answer = client.post(path(key, "words/"), self.fields(**{field: typed}))
        assert answer.status_code == 422
        assert words in answer.text
        key.refresh_from_db()
        assert key.label == "Plumber"
        assert deeds("pass.change") == []

    def test_without_a_trail_nothing_is_changed(self, client, key):
        client.force_login(ManagerFactory())
        with a_trail_that_refuses():
            answer = client.post(path(key, "words/"), self.fields())
        assert answer.status_code == 503
        key.refresh_from_db()
        assert key.label == "Plumber"

    def test_an_auditor_and_whoever_did_not_make_it_change_nothing(self, client, key):
        admin = GrantFactory(family=key.family).person
        for person in (AuditorFactory(), admin):
            with pytest.raises(PermissionDenied):
                change_pass(person, key=key, label="x", visitor_name="", visitor_email="", note="")
        assert deeds("pass.change") == []
