"""What became of something done to credentials, in words. Nothing that was typed or read stands in them."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from access.models import CredentialKind, Holder
from access.services.credentials.accounts import NoAccount
from families.views.outcomes import Outcome, no_audit, old_page, state_of
from portal.audit.models import Command, State
from portal.audit.trail import AuditUnavailable, OutcomeNotRecorded
from portal.connections.calling import Performed
from portal.upstream import errors
from portal.web import wordings
from portal.web.presses import PressInvalid


@dataclass(frozen=True)
class Words:
    """What is said of one action. ``again``: how it may be tried once more; ``look``: how to see what is so."""

    done: str
    undone: str
    unknown: str
    done_detail: str = ""
    again: str = ""
    look: str = ""


def outcome_of(act: Callable[[], Performed], words: Words, holder: str) -> Outcome:
    """Do it, and say what became of it, also where it could not be done."""
    try:
        performed = act()
    except PressInvalid:
        return old_page(_joined(_("Nothing was sent."), words.again))
    except NoAccount:
        return no_account(holder)
    except AuditUnavailable:
        return no_audit("sent", _joined(_("Nothing was changed."), wordings.tell_operator()))
    except OutcomeNotRecorded as lost:
        return _told(lost.command, words, holder, is_lost=True)
    outcome = _told(performed.command, words, holder)
    if performed.is_repeat and outcome.is_done:
        detail = _("This form had been sent before; what came now was not sent.")
        return Outcome("ok", outcome.title, _joined(detail, words.look))
    return outcome


def nothing_named() -> Outcome:
    """The form did not say what it is about: no page of ours sends such a one."""
    return Outcome("off", wordings.old_page(), _("Nothing was sent. Load it again."), 409)


def no_account(holder: str) -> Outcome:
    """The account cannot be used in this family now."""
    if holder == Holder.OWN:
        detail = _("Nothing was sent. Look under My account whether your own connection is signed in.")
        return Outcome("off", _("Your account cannot be used in this family now."), detail, 503)
    detail = _("Nothing was sent. A manager has to connect it, or sign its connection in again.")
    return Outcome("off", _("No connection of the organisation reaches this family."), detail, 503)


def of_switch(kind: CredentialKind, *, is_on: bool) -> Words:
    """What is said of turning NFC or Bluetooth on or off."""
    names = {"what": kind.label}
    if is_on:
        return Words(
            done=_("%(what)s is on.") % names,
            done_detail=_("Its code may be a new one: show it, and bring it to where the old one is used."),
            undone=_("%(what)s was not turned on.") % names,
            unknown=_("We do not know whether %(what)s is on.") % names,
            again=_("Try again in a moment."),
            look=_("Look before you try again."),
        )
    return Words(
        done=_("%(what)s is off.") % names,
        done_detail=_("No door opens with it now."),
        undone=_("%(what)s was not turned off.") % names,
        unknown=_("We do not know whether %(what)s is off.") % names,
        again=_("Try again in a moment."),
        look=_("Look before you try again."),
    )


def of_pin() -> Words:
    """What is said of changing a PIN."""
    return Words(
        done=_("The PIN was changed."),
        done_detail=_("The one of before opens no door any more."),
        undone=_("The PIN was not changed."),
        unknown=_("We do not know whether the PIN was changed."),
        again=_("Type it once more: what you typed is not kept."),
        look=_("Show the PIN to see which one it is."),
    )


def of_registration(filename: str) -> Words:
    """What is said of registering a face."""
    names = {"name": filename}
    return Words(
        done=_("The face is registered as “%(name)s”.") % names,
        undone=_("The face was not registered."),
        unknown=_("We do not know whether the face was registered."),
        again=_("Send it again in a moment."),
        look=_("Look before you try again."),
    )


def of_face_deletion() -> Words:
    """What is said of deleting a face."""
    return Words(
        done=_("The face is deleted."),
        done_detail=_("No door opens by it now."),
        undone=_("The face was not deleted."),
        unknown=_("We do not know whether the face was deleted."),
        again=_("Try again in a moment."),
        look=_("Look before you try again."),
    )


def trouble_of(error: Exception, holder: str) -> Outcome:
    """Why something could not be read. Nothing was shown, and nothing was changed."""
    match error:
        case NoAccount():
            return no_account(holder)
        case AuditUnavailable():
            return no_audit("asked", _joined(_("Nothing is shown."), wordings.tell_operator()))
        case errors.UpstreamRejected():
            return Outcome("bad", _("The door system does not tell it."), _refusal(error.words), 502)
        case errors.UpstreamBusy(status=int()):
            seconds = max(1, round(error.retry_after_seconds))
            detail = _("Wait %(seconds)d s, then ask again.") % {"seconds": seconds}
            return Outcome("off", _("The door system is busy."), detail, 503)
        case errors.SignInLost():
            return _signed_out(_("Nothing was read."), holder)
        case errors.NotSent():
            return Outcome("off", _("Not asked."), error.words or _("Ask again in a moment."), 503)
        case errors.UpstreamUnavailable() | errors.UpstreamBusy():
            return Outcome("off", _("The door system does not answer."), _("Ask again in a moment."), 503)
        case _:
            detail = _("No answer came that can be read. Ask again in a moment.")
            return Outcome("unknown", _("We do not know what it is."), detail, 502)


def _told(command: Command, words: Words, holder: str, *, is_lost: bool = False) -> Outcome:
    match state_of(command, is_lost=is_lost):
        case State.SUCCEEDED:
            seen = _("No answer came, and looking again shows it.") if command.error == "read_back" else ""
            return Outcome("ok", words.done, _joined(seen, words.done_detail))
        case State.UNKNOWN:
            return Outcome("unknown", words.unknown, _joined(_("No answer came."), words.look), 502)
        case State.REFUSED:
            return _refused(command, words, holder)
        case State.NOT_SENT:
            return Outcome("off", _("Not sent."), _joined(command.words, words.undone, words.again), 503)
        case _:
            return Outcome("off", _("It is on its way already."), _("Look again in a moment."))


def _refused(command: Command, words: Words, holder: str) -> Outcome:
    if command.error == "refused":
        return Outcome("bad", words.undone, _refusal(command.words), 422)
    if command.error == "signed_out":
        return _signed_out(words.undone, holder)
    # What our own part says of a busy upstream, or of a look that found nothing changed.
    return Outcome("bad", words.undone, _joined(command.words, words.again), 503)


def _refusal(said: str) -> str:
    return (
        _("It was refused: “%(words)s”") % {"words": said} if said else _("It was refused without a reason.")
    )


def _signed_out(title: str, holder: str) -> Outcome:
    if holder == Holder.OWN:
        return Outcome("bad", title, _("Your own connection is signed out: sign it in again."), 503)
    return Outcome("bad", title, _("The connection is signed out: a manager has to sign it in again."), 503)


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
