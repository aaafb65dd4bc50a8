"""Inviting somebody to the portal: what is sent, what is refused, and what a mail that fails leaves."""

import pytest
from django.core import mail
from django.test import Client

from families.models import Grant, PropertyLimit
from portal.accounts.models import Invitation, Role, User
from portal.accounts.people import PersonRefused, checked_email
from portal.audit.models import Entry
from tests.factories import (
    PASSWORD,
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    InvitedFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses, token_in
from tests.families.peopling import address, everything, invite, link_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def mails_stay_here(settings, capsys):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"


class TestInviting:
    def test_the_link_goes_out_by_mail_and_lets_them_in(self, client, manager):
        answer = invite(client)

        person = User.objects.get(email="ana@gatehouse.example")
        assert (answer.status_code, answer["Location"]) == (302, address("person_detail", person))
        assert (person.role, person.is_limited, person.is_active) == (Role.MANAGER, False, False)
        assert person.joined_at is None
        page = client.get(answer["Location"]).text
        assert "ana@gatehouse.example was invited." in page
        assert not link_in(page)
        [message] = mail.outbox
        assert message.to == ["ana@gatehouse.example"]
        assert "Marta Reis" in message.subject
        joined = {"name": "Ana", "password": PASSWORD, "again": PASSWORD, "time_zone": "UTC"}
        assert Client().post(link_in(message.body), joined).status_code == 302
        person.refresh_from_db()
        assert person.is_active

    def test_the_trail_tells_it_without_the_link(self, client, manager):
        family = FamilyFactory(name="Casa Lima")
        invite(client, role="family_admin", family=family.public_id)

        entries = Entry.objects.exclude(event="person.sign_in").order_by("number")
        assert [(entry.event, entry.object_name) for entry in entries] == [
            ("person.invite", "ana@gatehouse.example"),
            ("grant.begin", "ana@gatehouse.example"),
        ]
        assert [entry.actor_id for entry in entries] == [manager.pk, manager.pk]
        assert link_in(mail.outbox[0].body).split("/")[2] not in str(list(Entry.objects.values()))

    def test_a_limited_auditor(self, client, manager):
        tower, dock = PropertyFactory(), PropertyFactory()
        PropertyFactory()
        invite(client, role="auditor", reach="some", property=[tower.public_id, dock.public_id])

        person = User.objects.get(role=Role.AUDITOR)
        assert person.is_limited
        assert set(PropertyLimit.objects.filter(person=person).values_list("property", flat=True)) == {
            tower.pk,
            dock.pk,
        }
        assert tower.name in mail.outbox[0].body

    def test_a_family_admin_of_named_families_from_now_on(self, client, manager):
        member = MemberFactory(email="Ana@Gatehouse.example")
        other = FamilyFactory()
        invite(
            client,
            role="family_admin",
            family=[member.family.public_id, other.public_id],
            may_invite="on",
            # What another role would need does not matter.
            reach="everything",
        )

        first, second = Grant.objects.order_by("pk")
        assert {first.family, second.family} == {member.family, other}
        assert (first.member, first.may_invite, first.ends_at) == (member, True, None)
        assert not first.person.is_limited

    def test_where_no_mail_leaves_the_link_is_shown_once_and_works(self, client, manager, mails_stay_here):
        answer = invite(client)

        link = link_in(answer.text)
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
        assert Client().get(link).status_code == 200
        assert not link_in(client.get(address("person_detail", User.objects.get(is_active=False))).text)

    def test_htmx_gets_the_person_in_place_of_the_form(self, client, manager, mails_stay_here):
        answer = invite(client, HTMX)

        assert "<html" not in answer.text
        assert link_in(answer.text)
        assert 'hx-swap-oob="innerHTML:#notices"' in answer.text
        assert answer["HX-Push-Url"] == address("person_detail", User.objects.get(is_active=False))
        assert "HX-Redirect" not in answer

    def test_a_repeat_of_the_press_sends_nothing_more(self, client, manager):
        press = token_in(client.get(address("person_invite")).text)

        answers = [invite(client, press=press) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [302] * 3
        assert len(mail.outbox) == 1
        assert Invitation.objects.count() == 1

    def test_a_mail_that_fails_leaves_the_person_and_says_so(self, client, manager, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

        answer = invite(client)

        assert answer.status_code == 200
        assert "does not know it yet" in answer.text
        assert "Send a new link" in answer.text
        assert not link_in(answer.text)
        person = User.objects.get(is_active=False)
        assert person.invitations.get().mailed_at is None
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        client.post(address("person_invite_again", person), {"press": token_in(answer.text)})
        assert link_in(mail.outbox[0].body)

    def test_without_a_trail_nobody_is_invited(self, client, manager):
        press = token_in(client.get(address("person_invite")).text)
        before = everything()
        with a_trail_that_refuses():
            client.raise_request_exception = False
            assert invite(client, press=press).status_code >= 500
        assert everything() == before
        assert not mail.outbox


class TestWithoutAScript:
    def test_families_are_found_by_a_button_and_nothing_typed_is_lost(self, client, manager):
        lima = FamilyFactory(name="Casa Lima", search_text="casa lima")
        chosen = FamilyFactory(name="Chosen", search_text="chosen")
        before = everything()

        answer = invite(
            client,
            find="1",
            family_q="lim",
            family=chosen.public_id,
            role="family_admin",
            ends_on="2031-01-31",
        )

        assert answer.status_code == 200
        for kept in ("ana@gatehouse.example", "2031-01-31", lima.public_id, chosen.public_id):
            assert kept in answer.text
        assert answer.text.count('name="family" value=') == 2
        assert everything() == before
        assert not mail.outbox

    def test_a_link_fills_in_the_family(self, client, manager):
        family = FamilyFactory()
        page = client.get(address("person_invite", family=family.public_id, email="x@y.example")).text
        assert f'value="{family.public_id}" checked' in page
        assert 'value="x@y.example"' in page
        assert client.get(address("person_invite", family="nothing")).status_code == 200


class TestRefused:
    @pytest.mark.parametrize(
        ("fields", "place", "words"),
        [
            ({"email": ""}, "id_email_error", "Type the e-mail address"),
            ({"email": "a@b.example\nBcc: c@d.example"}, "id_email_error", "on one line"),
            ({"email": "a@b.example\r\n"}, "id_email_error", "line break"),
            ({"email": "a@b.example, c@d.example"}, "id_email_error", "Type one address"),
            ({"email": "nonsense"}, "id_email_error", "no e-mail address"),
            ({"email": f"{'a' * 300}@b.example"}, "id_email_error", "at most 254"),
            ({"email": "a\u200b@b.example"}, "id_email_error", "cannot be seen"),
            ({"email": "a\x00@b.example"}, "id_email_error", "cannot be seen"),
            # The Kelvin sign and the dotted capital I become k and i in lower case.
            ({"email": "\u212aate@b.example"}, "id_email_error", "KELVIN SIGN (U+212A)"),
            ({"email": "kate@ban\u212a.example"}, "id_email_error", "KELVIN SIGN (U+212A)"),
            ({"email": "\u0130da@b.example"}, "id_email_error", "(U+0130)"),
            ({"email": "ro\u017fa@b.example"}, "id_email_error", "(U+017F)"),
            ({"email": "\uff41da@b.example"}, "id_email_error", "(U+FF41)"),
            ({"role": ""}, "id_role_error", "Choose what they come as"),
            ({"role": "owner"}, "id_role_error", "Choose one of these"),
            ({"reach": ""}, "id_reach_error", "Choose how far they reach"),
            ({"reach": "all of it"}, "id_reach_error", "choose among them"),
            ({"reach": "some"}, "property-error", "at least one property"),
            ({"role": "family_admin"}, "family-error", "at least one family"),
            ({"name": "x" * 101}, "id_name_error", "at most 100"),
            ({"name": "a\nb"}, "id_name_error", "cannot be seen"),
        ],
    )
    def test_it_is_said_beside_the_field_and_nothing_is_lost(self, client, manager, fields, place, words):
        press = token_in(client.get(address("person_invite")).text)
        before = everything()

        for headers in ({}, HTMX):
            answer = invite(client, headers, press=press, **{"name": "Ana Lima", **fields})
            assert answer.status_code == 422
            assert f'id="{place}"' in answer.text
            assert words in answer.text
            assert "Ana Lima" in answer.text or "name" in fields
            assert ("<html" in answer.text) == (headers == {})
        assert everything() == before
        assert not mail.outbox
        assert not Entry.objects.exclude(event="person.sign_in").exists()

    @pytest.mark.parametrize("email", ["jo@b\u00fccher.example", "jo@stra\u00dfe.example"])
    def test_a_letter_of_its_own_in_a_domain_is_none_that_looks_like_another(self, client, manager, email):
        assert invite(client, email=email).status_code == 302
        assert User.objects.filter(email=email).exists()

    @pytest.mark.parametrize("sign", ["\u212a", "\u0130", "\u0131", "\u017f", "\ufb01"])
    def test_the_services_take_no_such_letter_from_anybody(self, sign):
        for email in (f"{sign}a@b.example", f"a@{sign}b.example"):
            with pytest.raises(PersonRefused, match=f"U[+]{ord(sign):04X}"):
                checked_email(email)

    @pytest.mark.parametrize(
        ("days", "field", "words"),
        [
            ({"starts_on": "2020-01-01"}, "starts_on", "over"),
            ({"ends_on": "2020-01-01"}, "ends_on", "over"),
            ({"starts_on": "2031-02-01", "ends_on": "2031-01-31"}, "ends_on", "before it begins"),
            ({"ends_on": "9999-12-31"}, "ends_on", "50 years"),
            ({"starts_on": "9999-12-31"}, "starts_on", "50 years"),
            ({"ends_on": "31/12/2031"}, "ends_on", "no day"),
            ({"ends_on": "2031-02-30"}, "ends_on", "no day"),
        ],
    )
    def test_days_that_cannot_be(self, client, manager, days, field, words):
        family = FamilyFactory()
        before = everything()

        answer = invite(client, role="family_admin", family=family.public_id, **days)

        assert answer.status_code == 422
        assert f'id="id_{field}_error"' in answer.text
        assert words in answer.text
        assert f'value="{family.public_id}" checked' in answer.text
        assert everything() == before

    @pytest.mark.parametrize("field", ["property", "family"])
    def test_an_unknown_id_in_the_form_is_a_404_and_changes_nothing(self, client, manager, field):
        mine = {"property": PropertyFactory(), "family": FamilyFactory()}[field].public_id
        before = everything()
        for role in ("manager", "family_admin"):
            assert invite(client, role=role, reach="some", **{field: [mine, "unknown"]}).status_code == 404
        assert everything() == before

    @pytest.mark.parametrize("spelling", ["Ana@Gatehouse.example", " ana@gatehouse.EXAMPLE "])
    def test_somebody_who_is_there_is_named_and_linked(self, client, manager, spelling):
        ana = AuditorFactory(name="Ana <b>", email="ana@gatehouse.example")
        answer = invite(client, email=spelling)
        assert answer.status_code == 422
        assert f'<a href="{address("person_detail", ana)}"><bdi>Ana &lt;b&gt;</bdi></a>' in answer.text
        assert "is in Gatehouse already" in answer.text
        assert User.objects.count() == 2

    def test_somebody_who_is_waiting_is_offered_another_link(self, client, manager):
        ana = InvitedFactory(email="ana@gatehouse.example")
        answer = invite(client)
        assert "was invited already" in answer.text
        assert address("person_detail", ana) in answer.text

    def test_a_token_of_somebody_else_or_of_another_form_sends_nothing(self, client, manager):
        other = Client()
        other.force_login(ManagerFactory())
        press = token_in(other.get(address("person_invite")).text)
        before = everything()
        for wrong in (press, "nonsense"):
            answer = invite(client, press=wrong)
            assert answer.status_code == 422
            assert "too old" in answer.text
            assert "ana@gatehouse.example" in answer.text
        assert everything() == before

    def test_more_fields_than_there_are_change_nothing(self, client, manager):
        invite(client, role="auditor", is_superuser="1", is_active="1", joined_at="2020-01-01", is_limited="")
        person = User.objects.get(role=Role.AUDITOR)
        assert (person.is_active, person.joined_at) == (False, None)

    @pytest.mark.parametrize("factory", [AuditorFactory, FamilyAdminFactory])
    def test_nobody_but_managers_invites(self, client, factory):
        client.force_login(factory())
        for answer in (client.get(address("person_invite")), client.post(address("person_invite"), {})):
            assert answer.status_code == 403
        assert not Invitation.objects.exists()


class TestALimitedManager:
    @pytest.fixture
    def mine(self, client):
        limit = PropertyLimitFactory()
        client.force_login(limit.person)
        return limit.property

    def test_invites_within_their_properties(self, client, mine):
        assert invite(client, reach="some", property=mine.public_id).status_code == 302
        family = FamilyFactory(property=mine)
        answer = invite(client, email="b@c.example", role="family_admin", family=family.public_id)
        assert answer.status_code == 302
        assert Grant.objects.get().family == family

    @pytest.mark.parametrize("role", ["manager", "auditor"])
    def test_invites_nobody_to_everything(self, client, mine, role):
        answer = invite(client, role=role, reach="everything", property=mine.public_id)
        assert answer.status_code == 422
        assert 'id="id_reach_error"' in answer.text
        assert not Invitation.objects.exists()

    def test_a_place_of_others_is_a_404(self, client, mine):
        other = FamilyFactory(property=PropertyFactory())
        for fields in (
            {"reach": "some", "property": [mine.public_id, other.property.public_id]},
            {"role": "family_admin", "family": other.public_id},
            {"role": "family_admin", "family": FamilyFactory().public_id},
        ):
            assert invite(client, **fields).status_code == 404
        assert not Invitation.objects.exists()

    def test_learns_of_somebody_beyond_only_that_the_address_is_taken(self, client, mine):
        AuditorFactory(name="Secretname", email="ana@gatehouse.example")
        answer = invite(client, reach="some", property=mine.public_id)
        assert answer.status_code == 422
        assert "Secretname" not in answer.text
        assert "already" in answer.text
