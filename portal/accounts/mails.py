"""Mails in plain words: a subject of one line, a text, and the same as HTML.

What goes into a mail is data: names of people, families and connections come from outside. A template sees texts
and times only, never an object, and every text is one line without control characters.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template import Context, Engine
from django.utils import timezone, translation

from portal.accounts.models import User
from portal.web.zones import zone_called

LONGEST_SUBJECT = 150
LONGEST_TEXT = 2_000
# Right-to-left and left-to-right overrides and embeddings: they would turn around what stands after a name.
TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def send_mail(template: str, to: Sequence[str], context: Mapping[str, Any]) -> None:
    """Send ``templates/mail/<template>`` to each address by itself, in that person's language and time zone.

    Nobody sees the other addresses. Raises OSError or smtplib.SMTPException where it cannot be handed over: the
    caller says so, or tries again. Templates see ``context`` as texts (an object as its ``str``), and ``public_url``.
    """
    messages = [message_of(template, address, context) for address in dict.fromkeys(to)]
    if messages:
        get_connection().send_messages(messages)


def are_shown_here() -> bool:
    """Whether mails are only written to this machine's console: then a page shows the link that it sent, itself."""
    return settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend"


def message_of(template: str, address: str, context: Mapping[str, Any]) -> EmailMultiAlternatives:
    """The mail to one address, not sent."""
    values = {name: _plain(value) for name, value in context.items()}
    values["public_url"] = settings.PUBLIC_URL
    with _as_read_by(address):
        subject = one_line(_render(f"mail/{template}.subject.txt", values, is_html=False), LONGEST_SUBJECT)
        text = _render(f"mail/{template}.txt", values, is_html=False).strip() + "\n"
        html = _render(f"mail/{template}.html", {**values, "subject": subject}, is_html=True)
    message = EmailMultiAlternatives(subject, text, to=[address])
    message.attach_alternative(html, "text/html")
    return message


def one_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """``text`` as one line: what breaks it, hides in it or turns it around becomes a space."""
    kept = "".join(
        " " if letter in TURNS or unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} else letter
        for letter in text
    )
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | date | datetime):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return one_line(str(value))


@contextmanager
def _as_read_by(address: str) -> Iterator[None]:
    person = User.objects.filter(email__iexact=address).first()
    language = person.language if person else settings.LANGUAGE_CODE
    zone = zone_called(person.time_zone if person else settings.TIME_ZONE)
    with translation.override(language), timezone.override(zone):
        yield


def _render(name: str, values: dict[str, Any], *, is_html: bool) -> str:
    # A text is read as it stands: escaped, a name would show its entities.
    return Engine.get_default().get_template(name).render(Context(values, autoescape=is_html))
