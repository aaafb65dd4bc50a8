"""How a connection does, as every process sees it: what is noted after a call, and what is asked before one.

docs/decisions/0012 says why it is noted so. A call that was answered and follows another costs no query here.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.connections.conditions import Condition as Condition
from portal.connections.conditions import describe as describe
from portal.connections.models import Connection, Health
from portal.upstream import errors

# A good call is written down no more often than this: pages tell the age in minutes.
NOTE_EVERY = timedelta(seconds=15)
# So many calls without an answer within so long, and none answered between them: nothing is sent for a while.
FAILURES_THAT_OPEN = 5
WITHIN_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 60
# Who looks whether it is back may die meanwhile: then somebody else may look.
LOOKING = timedelta(seconds=2)
NOBODY = ""
_UNFIT = "the answer is not as it should be"


class OwnTrouble(errors.UpstreamUnavailable):
    """A call could not be made for a reason of our own: nothing was sent, and it says nothing of the upstream."""


def mark_good(connection: Connection) -> None:
    """A call was answered as it should be, and whatever was wrong is over, a lost sign-in aside.

    Costs one conditional update, and none while the last is fresh and nothing was wrong when ``connection`` was read.
    """
    now = timezone.now()
    is_fresh = connection.last_good_at and now - connection.last_good_at < NOTE_EVERY
    if (
        is_fresh
        and connection.health == Health.GOOD
        and not connection.failures
        and not connection.open_until
        and not connection.last_error
    ):
        return
    signed_in = Connection.objects.filter(pk=connection.pk).exclude(health=Health.SIGNED_OUT)
    signed_in.update(last_good_at=now, failures=0, recent_failures=[], open_until=None, last_error="")
    _mark_recovered(connection, now)
    connection.last_good_at = now
    if connection.health == Health.GOOD:
        connection.last_error = ""


def mark_answered(connection: Connection) -> None:
    """Something came back, good or not: nothing keeps from calling. When it was last good stays as it was."""
    now = timezone.now()
    signed_in = Connection.objects.filter(pk=connection.pk).exclude(health=Health.SIGNED_OUT)
    signed_in.exclude(failures=0, open_until=None).update(failures=0, recent_failures=[], open_until=None)
    _mark_recovered(connection, now)


def note_unfit(connection: Connection, words: str) -> None:
    """It answers, but not as it should; pages tell of it when nothing else came for a while.

    Costs one conditional update. It is over with the next good call.
    """
    answering = Connection.objects.filter(pk=connection.pk, health=Health.GOOD, last_error="")
    answering.update(last_error=words[:500] or _UNFIT)


def note_failure(connection: Connection, error: errors.UpstreamError, *, about: str = NOBODY) -> bool:
    """A call got no answer; return whether nothing may be sent now.

    ``about`` is the family that was asked about: one that hangs alone is no reason to keep from all others, so
    that five failures of one family only have the next caller look first whether the upstream answers at all. Left
    out, or where nothing could be reached, the failure is the whole connection's. What is no failure of the way
    there (a refusal, a pause, an answer that was not understood) is not noted. Costs a short transaction.
    """
    if not is_failure_to_answer(error):
        return False
    if _was_unreachable(error):
        about = NOBODY
    now = timezone.now()
    with transaction.atomic():
        mine = Connection.objects.select_for_update().filter(pk=connection.pk)
        found = mine.values("open_until", "recent_failures", "failures", "health").first()
        if found is None or found["open_until"] or found["health"] == Health.SIGNED_OUT:
            # What was under way when it opened tells nothing new.
            return found is not None and bool(found["open_until"])
        recent = [one for one in found["recent_failures"] if now.timestamp() - one[0] < WITHIN_SECONDS]
        recent = [*recent, [now.timestamp(), about]][-FAILURES_THAT_OPEN:]
        is_over = len(recent) >= FAILURES_THAT_OPEN
        is_general = any(whom == NOBODY for _at, whom in recent) or len({whom for _at, whom in recent}) > 1
        changes = {"recent_failures": recent, "failures": found["failures"] + 1}
        if is_over:
            pause = FIRST_PAUSE_SECONDS if is_general else 0
            changes |= {"open_until": now + timedelta(seconds=pause), "failures": FAILURES_THAT_OPEN}
        mine.update(**changes)
        if (is_over and is_general) or about == NOBODY:
            _mark_failing(connection, str(error))
    return is_over


def may_look(connection: Connection) -> bool:
    """Whether the caller, and nobody else, is to look if the upstream answers again.

    ``connection`` is open and its pause is over. Who gets True asks one thing by a read, and then calls
    ``mark_good`` or ``note_still_silent``; until then all others are told that nothing is sent.
    """
    now = timezone.now()
    mine = Connection.objects.filter(
        pk=connection.pk, open_until=connection.open_until, open_until__lte=now
    ).exclude(health=Health.SIGNED_OUT)
    until = now + timedelta(seconds=settings.UPSTREAM_DEADLINE_SECONDS) + LOOKING
    return mine.update(open_until=until) == 1


def note_still_silent(connection: Connection, error: errors.UpstreamError) -> None:
    """Whoever looked got no answer: the next pause is twice as long, up to a minute."""
    now = timezone.now()
    with transaction.atomic():
        mine = Connection.objects.select_for_update().filter(pk=connection.pk, open_until__isnull=False)
        failures = mine.values_list("failures", flat=True).first()
        if failures is None:
            return  # somebody's call was answered meanwhile
        turn = min(max(0, failures - FAILURES_THAT_OPEN), 10)
        pause = min(FIRST_PAUSE_SECONDS * 2**turn, LONGEST_PAUSE_SECONDS)
        mine.update(open_until=now + timedelta(seconds=pause), failures=failures + 1)
        _mark_failing(connection, str(error))


def note_unreadable(connection: Connection, words: str) -> None:
    """What is stored of it cannot be read: its key is missing. With the key put back it works again."""
    _mark_failing(connection, words)


def mark_signed_out(connection: Connection, words: str) -> None:
    """The sign-in is over: nothing is called through it until a person renews it.

    Only the sign-in that ``connection`` was read with: one that was renewed meanwhile is another. Whom it concerns
    is told by mail, see portal.connections.telling.
    """
    same = Connection.objects.filter(pk=connection.pk, token_version=connection.token_version)
    same.exclude(health=Health.SIGNED_OUT).update(
        health=Health.SIGNED_OUT,
        health_since=timezone.now(),
        last_error=words[:500],
        failures=0,
        recent_failures=[],
        open_until=None,
        told_at=None,
        tell_after=None,
    )


def hold(connection: Connection, seconds: float) -> None:
    """The upstream asked for a pause: no process calls before it is over."""
    until = timezone.now() + timedelta(seconds=min(max(seconds, 1.0), 300.0))
    Connection.objects.filter(pk=connection.pk).update(hold_until=until)


def is_failure_to_answer(error: errors.UpstreamError) -> bool:
    """Whether nothing came back, or nothing but that the upstream is broken (5xx).

    A refusal, a 429, a redirect, and an answer that cannot be read were answers.
    """
    match error:
        case OwnTrouble():
            return False
        case errors.NotSent():
            return True
        case errors.OutcomeUnknown() | errors.UpstreamUnavailable():
            return error.status is None or error.status >= 500
        case _:
            return False


def _was_unreachable(error: errors.UpstreamError) -> bool:
    """Whether it failed before anything of any family was sent."""
    return isinstance(error, errors.NotSent) or (
        isinstance(error, errors.UpstreamUnavailable) and not error.sent and error.status is None
    )


def _mark_recovered(connection: Connection, now: datetime) -> None:
    recovered = Connection.objects.filter(pk=connection.pk, health=Health.FAILING)
    recovered.update(health=Health.GOOD, health_since=now, last_error="")
    connection.failures, connection.open_until = 0, None
    if connection.health == Health.FAILING:
        connection.health, connection.health_since, connection.last_error = Health.GOOD, now, ""


def _mark_failing(connection: Connection, words: str) -> None:
    mine = Connection.objects.filter(pk=connection.pk)
    mine.exclude(health=Health.SIGNED_OUT).update(last_error=words[:500])
    mine.filter(health=Health.GOOD).update(health=Health.FAILING, health_since=timezone.now())
