"""What became of an action, in words: what happened, what was kept, what to do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from families.selectors import rights_of
from families.services.acting import NoConnection
from portal.audit.models import Command, State
from portal.audit.trail import AuditUnavailable, OutcomeNotRecorded
from portal.connections.calling import Performed
from portal.web import wordings
from portal.web.presses import PressInvalid
from portal.web.wordings import Deed


@dataclass(frozen=True)
class Outcome:
    """One outcome as a notice shows it: ``kind`` is its shape and colour, ``status`` that of the answer."""

    kind: str
    title: str
    detail: str
    status: int = 200

    @property
    def is_done(self) -> bool:
        return self.kind == "ok"

    @property
    def is_refusal(self) -> bool:
        """It is no to what was typed: said beside the form, where it can be mended."""
        return self.status == 422

    @property
    def keeps_form(self) -> bool:
        """Nothing was done and it may be tried again: the form stays, with what was typed."""
        return self.kind in {"off", "bad"} and self.status != 200

    @property
    def sentence(self) -> str:
        """Title and detail in one."""
        return f"{self.title} {self.detail}".strip()

    @property
    def notice(self) -> dict[str, str]:
        """What web/_notices.html takes, where ``status`` is the shape."""
        return {"status": self.kind, "title": self.title, "detail": self.detail}


# Beside Django's own levels, settings.MESSAGE_TAGS has the shape of what nobody knows.
_LEVELS = {"ok": messages.SUCCESS, "bad": messages.ERROR, "unknown": 35}


def say(request: HttpRequest, outcome: Outcome) -> None:
    """Say it on the next page that is shown, in its shape."""
    messages.add_message(request, _LEVELS.get(outcome.kind, messages.WARNING), outcome.sentence)


class Telling(Protocol):
    """Tells what became of a command. ``is_lost``: it was sent, and the outcome could not be written down."""

    def __call__(self, command: Command, *, is_lost: bool = False) -> Outcome: ...


def outcome_of(act: Callable[[], Performed], tell: Telling) -> Outcome:
    """Do it, and say what became of it, also where it could not be done. What is asked back is raised on."""
    try:
        performed = act()
    except PressInvalid:
        return old_page()
    except AuditUnavailable:
        return no_audit()
    except NoConnection:
        return no_connection()
    except OutcomeNotRecorded as lost:
        return tell(lost.command, is_lost=True)
    return tell(performed.command)


def of_rename(command: Command, *, is_lost: bool = False) -> Outcome:
    """What became of a name."""
    name = command.parameters.get("family_name", "")
    match state_of(command, is_lost=is_lost):
        case State.SUCCEEDED:
            return Outcome("ok", _("The family is now called “%(name)s”.") % {"name": name}, "")
        case State.UNKNOWN:
            detail = _("No answer came. The family is read again by itself: look before you try again.")
            return Outcome("unknown", _("We do not know whether the name was changed."), detail, 502)
        case _:
            return undone(command, _("The name was not changed."))


def of_invitation(command: Command, *, is_lost: bool = False) -> Outcome:
    """What became of an invitation."""
    email, auth = command.parameters.get("email", ""), command.parameters.get("auth", "")
    match state_of(command, is_lost=is_lost):
        case State.SUCCEEDED:
            title = _("%(email)s was invited as %(rights)s.") % {"email": email, "rights": rights_of(auth)}
            return Outcome("ok", title, _("They appear here once they have joined."))
        case State.UNKNOWN:
            title = _("The invitation to %(email)s may have been sent.") % {"email": email}
            return Outcome("unknown", title, _("No answer came. Ask them before sending another."), 502)
        case _:
            return undone(command, _("Nobody was invited."))


def old_page(detail: str = "") -> Outcome:
    """A form's press is not good any more: beside the form, which comes back with a fresh one."""
    kept = _("Nothing was sent, and what you typed is kept: send it again.")
    return Outcome("off", wordings.old_page(), detail or kept, 422)


def no_audit(deed: Deed = "sent", detail: str = "") -> Outcome:
    """It could not be written down, and so was not done."""
    if not detail:
        detail = f"{_('Nothing was changed, and what you typed is kept.')} {wordings.tell_operator()}"
    return Outcome("off", wordings.no_audit(deed), detail, 503)


def no_connection(deed: Literal["sent", "asked"] = "sent") -> Outcome:
    """Nothing reaches the family."""
    kept = _("What you typed is kept.") if deed == "sent" else ""
    return Outcome("off", wordings.no_connection(deed), f"{kept} {wordings.connect_it()}".strip(), 503)


def state_of(command: Command, *, is_lost: bool) -> str:
    """Where the command stands at this moment; ``is_lost``: its outcome could not be written down."""
    return State.UNKNOWN if is_lost else command.state_now


def undone(command: Command, title: str) -> Outcome:
    """Refused, not sent, or not answered yet."""
    if command.is_open:
        return Outcome("off", _("It is on its way already."), _("Look again in a moment."))
    if command.state == State.REFUSED:
        if command.error == "refused":
            said = _("It was refused: “%(words)s”") % {"words": command.words}
            return Outcome(
                "bad", title, said if command.words else _("It was refused without a reason."), 422
            )
        if command.error == "signed_out":
            words = _("The connection is signed out: a manager has to sign it in again.")
            return Outcome("bad", title, words, 503)
        # What our own part says of a busy upstream, or of a look that found nothing changed.
        words = _("%(words)s Then send it again.") % {"words": command.words}
        if command.error == "read_back":
            words = _("%(words)s Send it again.") % {"words": command.words}
        return Outcome("bad", title, words, 503)
    words = _("%(words)s Nothing was changed, and what you typed is kept: send it again in a moment.")
    return Outcome("off", _("Not sent."), (words % {"words": command.words}).strip(), 503)
