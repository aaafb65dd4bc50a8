"""What is said of questions about devices, and of presses of their doors."""

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.selectors import Press
from access.services.devices.checking import Gone, Left, Verdict
from access.services.devices.streaming import DeviceNotListed, NoAddress
from families.services.acting import NoConnection
from families.views.outcomes import Outcome, no_audit, no_connection
from portal.audit.trail import AuditUnavailable
from portal.upstream import errors
from portal.web import wordings


class Told(NamedTuple):
    """A status as shape and word."""

    kind: str
    word: str


_VERDICTS = {
    Verdict.MAY: ("ok", gettext_lazy("May use it")),
    Verdict.MAY_NOT: ("bad", gettext_lazy("May not use it")),
    Verdict.NOT_TOLD: ("unknown", gettext_lazy("Not told")),
    Verdict.NOT_ASKED: ("off", gettext_lazy("Could not be asked")),
}
_STEPS = {
    "on_its_way": ("stale", gettext_lazy("On its way")),
    "accepted": ("stale", gettext_lazy("Accepted, not yet seen in the log")),
    "nothing_seen": ("stale", gettext_lazy("Accepted, not seen in the log")),
    "seen": ("ok", gettext_lazy("Opened")),
    "refused": ("bad", gettext_lazy("Refused")),
    "not_sent": ("off", gettext_lazy("Not sent")),
    "unknown": ("unknown", gettext_lazy("Unknown")),
    "no_trace": ("unknown", gettext_lazy("No trace in the log")),
}


def tell_verdict(verdict: Verdict) -> Told:
    """What came of the question about one device."""
    kind, word = _VERDICTS[verdict]
    return Told(kind, str(word))


def tell_press(press: Press) -> Told:
    """What became of a press, in a list."""
    kind, word = _STEPS.get(press.step, ("off", press.command.get_state_display()))
    return Told(kind, str(word))


def trouble_of(error: Exception) -> Outcome:
    """Why there is no answer. Nothing was changed; where a secret was asked for, nothing is shown."""
    match error:
        case Gone():
            return Outcome(
                "off", _("This device is gone."), _("The door system does not name it any more."), 409
            )
        case Left():
            detail = _("It was too much at once, or took too long. Ask again for the rest.")
            return Outcome("off", _("Not asked."), detail, 503)
        case NoConnection():
            return no_connection("asked")
        case AuditUnavailable():
            return no_audit("asked", f"{_('Nothing is shown.')} {wordings.tell_operator()}")
        case DeviceNotListed():
            title = _("The door system does not name this device now.")
            detail = _("Its list of this moment is without it. The page notices when it stays so.")
            return Outcome("off", title, detail, 502)
        case NoAddress():
            title = _("This device has no stream that can be shown.")
            return Outcome("off", title, _("The door system names no address for it."), 502)
        case errors.UpstreamRejected():
            said = _("It was refused: “%(words)s”") % {"words": error.words}
            detail = said if error.words else _("It was refused without a reason.")
            return Outcome("bad", _("The door system does not tell it."), detail, 502)
        case errors.UpstreamBusy(status=int()):
            seconds = max(1, round(error.retry_after_seconds))
            detail = _("Wait %(seconds)d s, then ask again.") % {"seconds": seconds}
            return Outcome("off", _("The door system is busy."), detail, 503)
        case errors.SignInLost():
            detail = _("A manager has to sign it in again.")
            return Outcome("bad", _("The connection is signed out."), detail, 503)
        case errors.NotSent():
            return Outcome("off", _("Not asked."), error.words or _("Ask again in a moment."), 503)
        case errors.UpstreamUnavailable() | errors.UpstreamBusy():
            return Outcome("off", _("The door system does not answer."), _("Ask again in a moment."), 503)
        case _:
            detail = _("No answer came that can be read. Ask again in a moment.")
            return Outcome("unknown", _("We do not know."), detail, 502)
