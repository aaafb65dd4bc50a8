"""What came back, as the trail tells it and as the connection's health learns it."""

import time
from contextlib import suppress

from django.db import DatabaseError
from django.utils.translation import gettext as _

from portal import waiting
from portal.audit.models import State
from portal.audit.trail import Result
from portal.connections import health
from portal.connections.models import Connection
from portal.upstream import errors

# What is only good to know is not waited for.
AFTERWARDS_SECONDS = 0.5


def result_of(error: errors.UpstreamError) -> Result:
    """What an error means for the command."""
    if was_not_sent(error):
        return Result(State.NOT_SENT, "unreachable", _("The door system could not be reached."))
    match error:
        case errors.UpstreamRejected():
            return Result(State.REFUSED, "refused", error.words, error.status)
        case errors.UpstreamBusy():
            return Result(State.REFUSED, "busy", busy_words(error.retry_after_seconds), error.status)
        case errors.SignInLost():
            return Result(State.REFUSED, "signed_out", error.words, error.status)
        case _:
            return Result(State.UNKNOWN, "no_answer", error.words, error.status)


def was_not_sent(error: errors.UpstreamError | None) -> bool:
    """Whether nothing that could be carried out reached the upstream."""
    match error:
        case errors.NotSent():
            return True
        case errors.UpstreamUnavailable():
            return not error.sent
        case errors.UpstreamBusy():
            # Our own budget held it back; the upstream's 429 has a status.
            return error.status is None
        case _:
            return False


def learn(connection: Connection, error: errors.UpstreamError | None, *, about: str = "") -> None:
    """Note how the connection does. What is known of the command is written by now: this may fail.

    ``about`` is the family that was asked about, "" where the call was the whole connection's.
    """
    with suppress(DatabaseError), waiting.until(time.monotonic() + AFTERWARDS_SECONDS):
        match error:
            case None:
                health.mark_good(connection)
            case errors.UpstreamRejected():
                # No to what was asked: of the way there it says that somebody answers, and no more.
                health.mark_answered(connection)
            case errors.NotUnderstood():
                health.mark_answered(connection)
                health.note_unfit(connection, str(error))
            case errors.UpstreamBusy():
                if error.status is not None:
                    health.hold(connection, error.retry_after_seconds)
            case errors.SignInLost():
                pass  # whoever could not renew the token has noted it
            case health.OwnTrouble():
                if error.words:
                    health.note_unreadable(connection, error.words)
            case _:
                health.note_failure(connection, error, about=about)


def busy_words(seconds: float) -> str:
    """How long to wait, for people."""
    return _("The door system is busy. Wait %(seconds)d s.") % {"seconds": max(1, round(seconds))}
