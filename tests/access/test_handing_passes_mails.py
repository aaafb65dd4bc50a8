"""A pass sent to its visitor by e-mail: once, to one address, with the code only where its sender said so."""

import smtplib
from collections.abc import Callable

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from access.models import VisitorLink
from access.services.passes.mailing import Letter, mail_pass
from access.services.visitors import links
from portal.audit.models import Entry
from tests.access.handing import Given, deeds, kept, mail_fields, post
from tests.accounts.signing_in import sign_in_recently
from tests.audit.trails import holds
from tests.factories import AuditorFactory, GrantFactory, ManagerFactory, PropertyFactory
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db(transaction=True)


class Server(BaseEmailBackend):
    """A mail server that a test makes fail where it likes."""

    at_opening: Exception | None = None
    at_sending: Exception | None = None
    meanwhile: Callable[[], object] | None = None

    def open(self):
        if Server.at_opening:
            raise Server.at_opening

    def send_messages(self, messages):
        if Server.meanwhile:
            Server.meanwhile()
        if Server.at_sending:
            raise Server.at_sending
        mail.outbox.extend(messages)
        return len(messages)


@pytest.fixture
def given(simulator, settings) -> Given:
    settings.CAPTURE_HOSTS = [simulator.host]
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    Server.at_opening = Server.at_sending = Server.meanwhile = None
    given = Given.of(simulator)
    given.family.property = PropertyFactory(name="Riverside", time_zone="Europe/Lisbon")
    given.family.save()
    now = timezone.now()
    given.say(
        visitor_name="Rui Sá",
        visitor_email="rui@visitor.example",
        starts_at=now - timezone.timedelta(hours=1),
        ends_at=now + timezone.timedelta(hours=1),
        uses=2,
    )
    return given


@pytest.fixture
def manager(client):
    person = ManagerFactory(name="Ana Prado", email="ana@riverside.example")
    sign_in_recently(client, person)
    return person


def send(client, given, person, **fields):
    return post(client, person, given.path("pass_mail"), mail_fields(given, person, **fields))


class TestTheForm:
    def test_it_knows_whom_and_offers_the_link_first(self, client, given, manager):
        text = client.get(given.path("pass_mail")).text
        for words in ("rui@visitor.example", "Your pass for Riverside", "Hello Rui Sá,", "Look at it first"):
            assert words in text
        assert text.index('value="link"') < text.index('value="code"') < text.index('value="none"')
        assert "<html" not in client.get(given.path("pass_mail"), headers=HTMX).text

    @pytest.mark.parametrize("carries", ["none", "code", "link"])
    def test_a_look_before_sends_reads_and_makes_nothing(self, client, given, manager, carries):
        answer = send(
            client, given, manager, carries=carries, preview="yes", message="Dear <b>Rui</b>\nsee you"
        )
        assert answer.status_code == 200
        assert "So it will be" in answer.text
        assert "Dear &lt;b&gt;Rui&lt;/b&gt;\nsee you" in answer.text
        assert ("●●●● ●●●●" in answer.text) == (carries == "code")
        assert mail.outbox == []
        assert given.asked() == []
        assert VisitorLink.objects.count() == 0
        assert deeds("pass.mail") == []


class TestSent:
    def test_without_code_and_link_it_has_the_window_in_the_doors_zone_and_asks_nothing(
        self, client, given, manager
    ):
        sign_in_recently(client, manager, seconds_ago=4_000)
        answer = send(client, given, manager, subject="Come in", message="Hello Rui,\n\nsee you.")
        assert answer["Location"] == given.path()
        [sent] = mail.outbox
        assert (sent.to, sent.cc, sent.bcc, sent.subject) == (["rui@visitor.example"], [], [], "Come in")
        assert sent.reply_to == ["ana@riverside.example"]
        assert "Hello Rui,\n\nsee you." in sent.body
        assert "(Lisbon time)" in sent.body
        assert "Good for 2 openings" in sent.body
        [(html, kind)] = sent.alternatives
        assert kind == "text/html"
        assert ">Lisbon time<" in html
        assert sent.attachments == []
        everything = sent.message().as_string()
        assert not [secret for secret in given.secrets() if secret in everything]
        assert given.asked() == []
        assert deeds("pass.mail") == [("intent", ""), ("outcome", "succeeded")]
        entry = Entry.objects.filter(event="pass.mail").first()
        assert entry.parameters == '{"address": "rui@visitor.example", "carries": "none"}'

    def test_with_the_code_it_is_a_reveal_too(self, client, given, manager):
        answer = send(client, given, manager, carries="code")
        assert answer.status_code == 302
        [sent] = mail.outbox
        assert given.grouped in sent.body
        assert given.grouped in sent.alternatives[0][0]
        [(name, content, kind)] = sent.attachments
        assert (name, kind) == ("pass.png", "image/png")
        assert content.startswith(b"\x89PNG")
        assert given.asked() == given.one_look
        assert deeds("pass.reveal") == [("intent", ""), ("outcome", "succeeded")]
        assert "rui@visitor.example" in Entry.objects.filter(event="pass.reveal").first().parameters
        assert not [secret for secret in given.secrets() if secret in kept()]
        assert holds()

    def test_with_the_link_it_has_one_that_works_and_no_code(self, client, given, manager):
        send(client, given, manager, carries="link")
        link = VisitorLink.objects.get()
        [sent] = mail.outbox
        assert "/v/" in sent.body
        assert link.revoked_at is None
        assert given.grouped not in sent.message().as_string()
        assert given.asked() == []
        secret = sent.body.partition("/v/")[2].partition("/")[0]
        assert len(secret) > 40
        assert secret not in kept()

    def test_a_second_press_sends_nothing(self, client, given, manager):
        fields = mail_fields(given, manager, carries="code")
        for _ in range(2):
            assert post(client, manager, given.path("pass_mail"), fields).status_code == 302
        assert len(mail.outbox) == 1
        assert given.asked() == given.one_look

    def test_a_pass_that_is_over_is_not_sent(self, client, given, manager):
        fields = mail_fields(given, manager)
        given.say(ends_at=timezone.now())
        assert post(client, manager, given.path("pass_mail"), fields).status_code == 409
        assert mail.outbox == []


class TestBadInput:
    @pytest.mark.parametrize(
        ("field", "typed", "words"),
        [
            ("to", "", "Type the visitor’s e-mail address."),
            ("to", "a@b.example, c@d.example", "Type one address"),
            ("to", "a@b.example\nBcc: c@d.example", "One address, on one line."),
            ("to", "a@b.example\r\n", "line break"),
            ("to", "nobody", "no e-mail address"),
            ("subject", "", "A mail needs a subject."),
            ("subject", "Hi\r\nBcc: c@d.example", "cannot be seen"),
            ("subject", "x" * 121, "at most 120 characters"),
            ("message", "x" * 1_001, "at most 1000 characters"),
            ("message", "\n".join("x" * 32), "at most 30 lines"),
            ("message", "turn\u202earound", "cannot be seen"),
            ("message", "nul\0", "cannot be seen"),
            ("carries", "everything", "Choose what is offered."),
            ("carries", "", "Choose what the mail brings."),
        ],
    )
    def test_it_is_said_beside_the_field_and_nothing_is_sent(
        self, client, given, manager, field, typed, words
    ):
        answer = send(client, given, manager, **{field: typed})
        assert answer.status_code == 422
        assert words in answer.text
        assert "rui@visitor.example" in answer.text or field == "to"
        assert mail.outbox == []
        assert deeds("pass.mail") == []
        assert given.asked() == []

    def test_an_old_page_sends_nothing_and_keeps_what_was_typed(self, client, given, manager):
        answer = send(client, given, manager, press="forged", message="Long words")
        assert answer.status_code == 422
        assert "This page is too old." in answer.text
        assert "Long words" in answer.text
        assert mail.outbox == []

    @pytest.mark.parametrize("carries", ["code", "link"])
    def test_whoever_signed_in_long_ago_keeps_what_they_typed(self, client, given, manager, carries):
        sign_in_recently(client, manager, seconds_ago=400)
        answer = send(client, given, manager, carries=carries, message="Long words")
        assert answer.status_code == 422
        assert "Long words" in answer.text
        assert "Sign in again" in answer.text
        assert mail.outbox == []
        assert given.asked() == []
        assert VisitorLink.objects.count() == 0

    def test_no_code_goes_into_this_machines_own_log(self, client, given, manager, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        answer = send(client, given, manager, carries="code")
        assert answer.status_code == 422
        assert "its own log" in answer.text
        assert given.asked() == []

    def test_only_so_many_an_hour(self, client, given, manager, settings):
        settings.PASS_MAILS_PER_PERSON_AN_HOUR = 2
        codes = [send(client, given, manager).status_code for _ in range(3)]
        assert codes == [302, 302, 422]
        assert len(mail.outbox) == 2
        assert send(client, given, manager).status_code == 422
        assert len(deeds("pass.mail")) == 4

    def test_without_a_limit_as_many_as_one_likes(self, client, given, manager, settings):
        settings.PASS_MAILS_PER_PERSON_AN_HOUR = 0
        assert [send(client, given, manager).status_code for _ in range(3)] == [302, 302, 302]


class TestWhoMay:
    def test_nobody_else(self, client, given):
        for person, status in (
            (AuditorFactory(), 403),
            (GrantFactory().person, 404),
            (ManagerFactory(is_limited=True), 404),
        ):
            client.logout()
            assert send(client, given, person).status_code == status
        given.say(made_after=timezone.now())
        other = GrantFactory(
            family=given.family, starts_at=timezone.now() - timezone.timedelta(days=1)
        ).person
        client.logout()
        assert send(client, given, other).status_code == 409
        letter = Letter("a@b.example", "x", "", "none")
        for person in (AuditorFactory(), other):
            with pytest.raises(PermissionDenied):
                mail_pass(person, key=given.key, letter=letter, press="p")
        assert mail.outbox == []


class TestTrouble:
    def test_a_server_that_is_not_there_is_told_before_anything_is_read_or_made(self, client, given, manager):
        Server.at_opening = ConnectionRefusedError()
        for carries in ("code", "link"):
            answer = send(client, given, manager, carries=carries, message="Long words")
            assert answer.status_code == 503
            assert "the mail server does not answer" in answer.text
            assert "Long words" in answer.text
        assert given.asked() == []
        assert VisitorLink.objects.count() == 0
        assert deeds("pass.mail")[1] == ("outcome", "not_sent")

    def test_a_server_that_refuses_is_quoted_by_its_number_alone(self, client, given, manager):
        refused = {"rui@visitor.example": (550, b"no such " + given.digits.encode())}
        Server.at_sending = smtplib.SMTPRecipientsRefused(refused)
        answer = send(client, given, manager, carries="code")
        assert answer.status_code == 422
        assert "refused it (550)" in answer.text
        assert given.digits not in kept() + answer.text
        assert deeds("pass.mail")[-1] == ("outcome", "refused")

    def test_a_link_that_was_made_while_the_server_refused_stands(self, client, given, manager):
        Server.meanwhile = lambda: links.make_link(manager, key=given.key)
        Server.at_sending = smtplib.SMTPDataError(554, b"no")
        assert send(client, given, manager, carries="link").status_code == 422
        assert [link.revoked_at is None for link in VisitorLink.objects.order_by("pk")] == [False, True]

    def test_a_link_whose_mail_was_refused_ends(self, client, given, manager):
        Server.at_sending = smtplib.SMTPDataError(554, b"spam")
        assert send(client, given, manager, carries="link").status_code == 422
        assert VisitorLink.objects.get().revoked_at is not None

    @pytest.mark.parametrize(
        "error", [smtplib.SMTPServerDisconnected(), TimeoutError(), ConnectionResetError()]
    )
    def test_one_that_breaks_off_is_unknown_and_nothing_is_sent_again(self, client, given, manager, error):
        Server.at_sending = error
        fields = mail_fields(given, manager)
        answer = post(client, manager, given.path("pass_mail"), fields)
        assert answer.status_code == 502
        assert "We do not know whether the mail was sent." in answer.text
        assert "Ask rui@visitor.example" in answer.text
        assert deeds("pass.mail")[-1] == ("outcome", "unknown")
        Server.at_sending = None
        assert post(client, manager, given.path("pass_mail"), fields).status_code == 502
        assert mail.outbox == []

    def test_without_a_trail_nothing_is_sent(self, client, given, manager):
        with a_trail_that_refuses():
            answer = send(client, given, manager, message="Long words")
        assert answer.status_code == 503
        assert "Long words" in answer.text
        assert mail.outbox == []

    def test_what_went_out_and_could_not_be_noted_is_said_so(self, client, given, manager):
        with a_trail_that_refuses("outcome"):
            answer = send(client, given, manager)
        assert len(mail.outbox) == 1
        assert "could not note" in client.get(answer["Location"]).text

    def test_a_code_that_cannot_be_read_is_not_mailed(self, client, given, manager):
        given.simulator.stop()
        answer = send(client, given, manager, carries="code", message="Long words")
        assert answer.status_code == 503
        assert "No mail was sent" in answer.text
        assert "Long words" in answer.text
        assert mail.outbox == []
        assert deeds("pass.mail")[-1] == ("outcome", "not_sent")
