"""Sends a pass to its visitor by e-mail: words of the maker's, and the digits or a link only where they said so."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from typing import Literal

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import TempKey
from access.selectors.handing import for_visitor, may_be_handed_over
from access.services.passes.codes import PassCode
from access.services.passes.naming import about
from access.services.passes.revealing import reveal_pass
from access.services.visitors import links
from families.services.acting import may_act_in
from portal.accounts import mails
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import Entry, State
from portal.audit.trail import AuditUnavailable, By

MAIL_EVENT = "pass.mail"
Carries = Literal["none", "link", "code"]
# What stands in a preview where the mail will have the code, or the end of the link.
DOTS = "●" * 8

# The server's own no: it has taken nothing. After anything else that broke off it may have.
_REFUSALS = (
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPDataError,
    SMTPHeloError,
    SMTPNotSupportedError,
)
logger = logging.getLogger(__name__)


class TooManyMails(Exception):
    """The person sent as many within an hour as one may. Nothing was sent."""


class NothingToHandOver(Exception):
    """The pass is over or gone, or nobody knows which of the door system's it is. Nothing was sent."""


class MailNotPossible(Exception):
    """The mail server could not be reached: nothing was sent, no code was read and no link was made."""


@dataclass(frozen=True)
class Letter:
    """A mail as its writer wants it. ``carries`` says what it brings of the pass: nothing, a visitor's link, the code."""

    to: str
    subject: str
    message: str
    carries: Carries


@dataclass(frozen=True)
class Mailed:
    """What became of a mail: sent, refused by the server, or unknown. ``is_recorded``: the trail says so too."""

    state: State
    words: str = ""
    is_repeat: bool = False
    is_recorded: bool = True


def mail_pass(actor: User, *, key: TempKey, letter: Letter, press: str) -> Mailed:
    """Send ``letter`` about a pass; one press sends one mail, and a repeat of it returns what became of that.

    ``key`` was fetched through ``visible_to(actor)``, ``letter`` is checked already. The trail says first to whom; with
    the code it is a reveal too, read live. The server is reached before a code is read or a link is made. Raises
    PermissionDenied, NothingToHandOver, TooManyMails, MailNotPossible, trail.AuditUnavailable, and with the code what
    reveal_pass raises, with the link NothingToShow: nothing was sent then. Cost: 1 upstream call with the code, else 0.
    """
    may_act_in(actor, key.family)
    if not key.may_be_managed_by(actor):
        raise PermissionDenied
    mail = _Mail(actor, key, letter, f"mail:{press}")
    if mail.find_earlier():
        return mail.told_before()
    if not may_be_handed_over(key):
        raise NothingToHandOver
    if not mail.intend():
        return mail.told_before()
    try:
        mailed = mail.send()
    except Exception as error:
        # Whatever it was, the server got nothing: it is asked last.
        with suppress(AuditUnavailable):
            mail.conclude(State.NOT_SENT, type(error).__name__)
        raise
    try:
        mail.conclude(mailed.state, mailed.words)
    except AuditUnavailable:
        return Mailed(mailed.state, mailed.words, is_recorded=False)
    return mailed


def message_for(
    actor: User, key: TempKey, letter: Letter, *, code: PassCode | None = None, link: str = ""
) -> EmailMultiAlternatives:
    """The mail, not sent. In a preview a code and a link are given as dots."""
    told = for_visitor(key)
    context = {
        "subject_line": letter.subject,
        "message": letter.message.splitlines(),
        "place": told.place,
        "begins": told.begins,
        "ends": told.ends,
        "zone": told.zone,
        "doors": told.door_words,
        "uses": told.uses,
        "digits": code.digits if code else "",
        "has_picture": bool(code and code.qr_png),
        "link": link,
        "contact": told.contact,
        "sender": str(actor),
        "sender_email": actor.email,
    }
    message = mails.message_of("pass", letter.to, context)
    message.reply_to = [actor.email]
    if code is not None and code.qr_png is not None:
        message.attach("pass.png", code.qr_png, "image/png")
    return message


@dataclass
class _Mail:
    """One mail, from its intent to its outcome. ``id`` ties its entries together, as a command's would."""

    actor: User
    key: TempKey
    letter: Letter
    id: str
    entries: Sequence[Entry] = field(default_factory=list)

    def find_earlier(self) -> bool:
        self.entries = list(Entry.objects.filter(command_id=self.id, event=MAIL_EVENT).order_by("number"))
        return bool(self.entries)

    def intend(self) -> bool:
        """Commit that it will be sent; False where that press has sent one. Entries are written one after the other, so
        that no two count past the limit together."""
        try:
            with trail.writing("the mail"), transaction.atomic(durable=True):
                self._record(phase=State.INTENT)
                if Entry.objects.filter(command_id=self.id, event=MAIL_EVENT).count() > 1:
                    raise _Pressed
                most = settings.PASS_MAILS_PER_PERSON_AN_HOUR
                if most and self._sent_lately() > most:
                    raise TooManyMails
        except _Pressed:
            self.find_earlier()
            return False
        return True

    def send(self) -> Mailed:
        server = get_connection()
        try:
            server.open()
        except (OSError, SMTPException) as error:
            logger.warning("the mail server could not be reached: %s", type(error).__name__)
            raise MailNotPossible from None
        try:
            return self._hand_to(server)
        finally:
            with suppress(OSError, SMTPException):
                server.close()

    def conclude(self, state: State, words: str) -> None:
        trail.record_first(
            MAIL_EVENT,
            By.person(self.actor),
            about(self.key),
            parameters=self._parameters(),
            phase="outcome",
            outcome=state,
            command_id=self.id,
            words=words,
        )

    def told_before(self) -> Mailed:
        outcome = next((entry for entry in reversed(self.entries) if entry.outcome), None)
        # An intent alone: whoever sent it died, or is at it.
        state = State(outcome.outcome) if outcome is not None else State.UNKNOWN
        return Mailed(state, outcome.words if outcome is not None else "", is_repeat=True)

    def _hand_to(self, server: BaseEmailBackend) -> Mailed:
        by, code, new = By.person(self.actor), None, None
        if self.letter.carries == "code":
            code = reveal_pass(by, self.key, actor=self.actor, parameters={"mailed_to": self.letter.to})
        elif self.letter.carries == "link":
            new = links.make_link(self.actor, key=self.key)
        link = links.address_of(new.secret) if new is not None else ""
        message = message_for(self.actor, self.key, self.letter, code=code, link=link)
        try:
            server.send_messages([message])
        except _REFUSALS as error:
            if new is not None:
                # Nobody has it. One that was made meanwhile stands.
                with suppress(AuditUnavailable):
                    links.end_link(self.actor, link=new.link)
            return Mailed(State.REFUSED, _refusal(error))
        except (OSError, SMTPException) as error:
            logger.warning("a mail broke off: %s", type(error).__name__)
            return Mailed(State.UNKNOWN, _("The mail server did not say whether it took the mail."))
        return Mailed(State.SUCCEEDED)

    def _record(self, **details: object) -> None:
        trail.record(
            MAIL_EVENT,
            By.person(self.actor),
            about(self.key),
            parameters=self._parameters(),
            command_id=self.id,
            **details,  # type: ignore[arg-type]
        )

    def _parameters(self) -> dict[str, str]:
        return {"address": self.letter.to, "carries": self.letter.carries}

    def _sent_lately(self) -> int:
        since = timezone.now() - timedelta(hours=1)
        mine = Entry.objects.filter(actor=self.actor, event=MAIL_EVENT, phase=State.INTENT, at__gt=since)
        return mine.count()


class _Pressed(Exception):
    """The same press has sent its mail."""


def _refusal(error: Exception) -> str:
    """The server's no by its number: its own words may hold anything that it was sent."""
    number = error.smtp_code if isinstance(error, SMTPResponseException) else 0
    if isinstance(error, SMTPRecipientsRefused):
        number = next((code for code, _said in error.recipients.values()), 0)
    return _("The mail server refused it (%(number)d).") % {"number": number}
