"""The mails: every one has a subject of one line, a text and an HTML part, and names in them are nothing but data."""

import re
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

import allauth
import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from portal.accounts.allauth_mails import CONFIRM, NEVER_SENT, OTHER, RESET, TEMPLATES, WORDS, mail_for
from portal.accounts.mails import are_shown_here, one_line, send_mail
from tests.factories import ManagerFactory

pytestmark = pytest.mark.django_db

MAILS = Path(__file__).resolve().parent.parent.parent / "templates" / "mail"
LINK = "https://gatehouse.example/join/secret/?a=1&b=2"
HOSTILE = "</bdi><script>alert(1)</script>{{ settings.SECRET_KEY }}{% debug %}\r\nBcc: x@evil.example\n\n\u202egnp.exe"
CONTEXTS: dict[str, dict[str, Any]] = {
    "invitation": {
        "person": "Ana",
        "inviter": "Rui",
        "role": "Family admin",
        "scope": "Silva",
        "link": LINK,
        "hours": 72,
    },
    "connection_lost": {"connection": "Office", "words": "expired", "since": timezone.now(), "link": LINK},
    "sessions_ended": {
        "person": "Ana",
        "number": 2,
        "since": timezone.now(),
        "by": "Rui",
        "link": LINK,
    },
    "password_reset": {"person": "Ana", "link": LINK},
    "password_changed": {"person": "Ana", "since": timezone.now(), "address": "192.0.2.7", "link": LINK},
    "address_confirm": {"person": "Ana", "link": LINK},
    "account_changed": {
        "person": "Ana",
        "what": "Something changed.",
        "since": timezone.now(),
        "address": "",
        "link": LINK,
    },
    "second_factor": {
        "person": "Ana",
        "happened": "added",
        "kind": "passkey",
        "name": "Phone",
        "since": timezone.now(),
        "link": LINK,
    },
    "pass": {
        "subject_line": "Your pass",
        "message": ["Hello,", "this is your pass."],
        "place": "Mill Lane",
        "begins": "today 10:00",
        "ends": "today 12:00",
        "zone": "London",
        "doors": "Front door",
        "uses": "Good for one opening",
        "digits": "",
        "has_picture": False,
        "link": LINK,
        "contact": "the office",
        "sender": "Rui",
        "sender_email": "rui@gatehouse.example",
    },
}
# Words that are chosen by us and select what is said.
CHOSEN = {"happened", "kind", "digits"}


def sent(template: str, **changes: Any) -> EmailMultiAlternatives:
    send_mail(template, ["ana@gatehouse.example"], CONTEXTS[template] | changes)
    message = mail.outbox[-1]
    assert isinstance(message, EmailMultiAlternatives)
    return message


def html_of(message: EmailMultiAlternatives) -> str:
    [part] = message.alternatives
    assert part.mimetype == "text/html"
    return str(part.content)


@pytest.mark.parametrize("template", CONTEXTS)
def test_a_mail_has_a_subject_a_text_and_html_with_the_link(template: str) -> None:
    message = sent(template)
    assert message.subject
    assert f"\n{LINK}\n" in f"{message.body}\n"
    assert f'href="{LINK.replace("&", "&amp;")}"' in html_of(message)


@pytest.mark.parametrize("template", CONTEXTS)
def test_hostile_names_are_shown_as_text_and_add_no_header(template: str) -> None:
    context = CONTEXTS[template]
    names = [name for name in context if isinstance(context[name], str) and name not in CHOSEN | {"link"}]
    message = sent(template, **dict.fromkeys(names, HOSTILE))
    wire = message.message()
    assert isinstance(wire, EmailMessage | Message)
    assert wire["Bcc"] is None
    assert "\n" not in message.subject
    assert "\r" not in message.subject
    html = html_of(message)
    assert "<script" not in html
    assert html.count("<bdi>") == html.count("</bdi>")
    assert "{{ settings.SECRET_KEY }}{% debug %}" in html
    for text in (message.subject, str(message.body), html):
        assert "\u202e" not in text
    # Escaped it would show its entities to whoever reads the text.
    assert "<script>alert(1)</script>{{ settings.SECRET_KEY }}{% debug %} Bcc: x@evil.example gnp.exe" in str(
        message.body
    )


def test_an_object_in_a_mail_is_its_name_and_nothing_else() -> None:
    rui = ManagerFactory.create(name="Rui")
    assert "Rui invites you" in str(sent("invitation", inviter=rui).body)


@pytest.mark.parametrize("template", CONTEXTS)
def test_a_mail_fetches_nothing(template: str) -> None:
    html = html_of(sent(template))
    assert "src=" not in html
    assert "url(" not in html
    assert "<link" not in html
    assert "style=" not in html


def test_each_address_gets_a_mail_of_its_own() -> None:
    send_mail("invitation", ["a@x.example", "b@x.example", "a@x.example"], CONTEXTS["invitation"])
    assert [message.to for message in mail.outbox] == [["a@x.example"], ["b@x.example"]]


def test_times_are_told_in_the_zone_of_whoever_reads() -> None:
    ManagerFactory.create(email="ana@gatehouse.example", time_zone="Asia/Tokyo")
    since = timezone.datetime(2026, 7, 1, 20, 30, tzinfo=timezone.get_fixed_timezone(0))
    assert "2 July 2026, 05:30 JST" in str(sent("connection_lost", since=since).body)


def test_a_zone_that_no_longer_exists_is_read_as_utc() -> None:
    ManagerFactory.create(email="ana@gatehouse.example", time_zone="Mars/Olympus")
    assert "UTC" in str(sent("connection_lost").body)


def test_only_the_console_shows_mails_on_this_machine(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert are_shown_here()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert not are_shown_here()


def test_a_mail_server_that_does_not_answer_is_the_callers_to_tell(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    with pytest.raises(OSError):
        send_mail("invitation", ["a@x.example"], CONTEXTS["invitation"])


def test_a_line_is_one_line_and_not_longer_than_it_may_be() -> None:
    assert one_line("a\u2028b\x00c\td  e\u202e") == "a b c d e"
    assert one_line("x" * 200, 10) == "x" * 9 + "…"


def test_every_mail_of_ours_is_tested_here() -> None:
    named = {path.name.removesuffix(".subject.txt") for path in MAILS.glob("*.subject.txt")}
    assert named == set(CONTEXTS)
    for name in named:
        assert (MAILS / f"{name}.txt").is_file()
        assert (MAILS / f"{name}.html").is_file()


def test_every_mail_of_allauth_is_one_of_ours_or_never_sent() -> None:
    found = {
        f"{path.parent.parent.name}/email/{path.name.removesuffix('_subject.txt')}"
        for path in (Path(allauth.__file__).parent / "templates").rglob("email/*_subject.txt")
    }
    assert len(found) > 15
    assert found == set(TEMPLATES) | NEVER_SENT
    assert set(TEMPLATES) & NEVER_SENT == set()
    assert {prefix for prefix, name in TEMPLATES.items() if name == OTHER} == set(WORDS)


@pytest.mark.parametrize("prefix", TEMPLATES)
def test_a_mail_of_allauth_speaks_in_our_words(prefix: str, settings: Any) -> None:
    settings.PUBLIC_URL = "https://gatehouse.example"
    ManagerFactory.create(name="Ana", email="ana@gatehouse.example")
    link = "https://gatehouse.example/account/x/"
    urls = {"password_reset_url": link} if TEMPLATES[prefix] == RESET else {}
    urls |= {"activate_url": link} if TEMPLATES[prefix] == CONFIRM else {}
    message = mail_for(prefix, "ana@gatehouse.example", {"ip": "192.0.2.7", "request": object(), **urls})
    text = str(message.body)
    assert "Hello Ana," in text
    assert set(re.findall(r"https?://[^\s/]+", text)) == {"https://gatehouse.example"}
    assert "example.com" not in text
    assert (link in text) == bool(urls)
    assert str(WORDS.get(prefix, "")) in text
    assert html_of(message)


@pytest.mark.parametrize("prefix", NEVER_SENT)
def test_a_mail_without_words_is_an_error_and_not_sent(prefix: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=prefix):
        mail_for(prefix, "ana@gatehouse.example", {})
