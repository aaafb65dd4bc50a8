"""Looks whether an upstream that did not answer is back: by one read, and never by anything that changes something."""

from collections.abc import Callable
from contextlib import suppress

from django.conf import settings

from portal.connections import budget, health
from portal.connections.models import Connection
from portal.connections.tokens import StoredTokens
from portal.upstream import errors
from portal.upstream.client import Client


def look(
    connection: Connection, tokens: StoredTokens, spend: Callable[[str], None], *, seconds: float
) -> None:
    """Ask for the list of families, once; whoever calls this has the right to (``health.may_look``).

    Nothing where any answer came: calls are made again, and a good one makes the connection good. Raises UpstreamBusy where the upstream asked for a
    pause, and the UpstreamError where no answer came: the next pause is longer. Costs one upstream call.
    """
    client = Client(connection.base_url, tokens, deadline_seconds=seconds, on_request=spend)
    try:
        client.get_family_list(once=True)
    except errors.UpstreamBusy as error:
        if error.status is None:
            # Our own budget: nothing was asked.
            health.note_still_silent(connection, error)
            raise
        health.mark_answered(connection)
        health.hold(connection, error.retry_after_seconds)
        raise
    except errors.UpstreamError as error:
        if isinstance(error, health.OwnTrouble) or health.is_failure_to_answer(error):
            health.note_still_silent(connection, error)
            raise
        # A refusal, and what cannot be read, were answers too: the call itself will meet them.
        health.mark_answered(connection)
        health.note_unfit(connection, str(error))
        return
    health.mark_good(connection)


def look_at_those_due() -> int:
    """Look at each connection whose pause is over; return how many answer again. Costs a call for each.

    Whoever wants to send something meanwhile need not be the one who finds out.
    """
    answering = 0
    for connection in (
        Connection.objects.usable()
        .exclude(open_until=None)
        .defer("access_token", "refresh_token", "client_secret")
    ):
        if not health.may_look(connection):
            continue
        with suppress(errors.UpstreamError):
            allowance = budget.take(connection, 1, for_people=True)
            if allowance is None:
                health.note_still_silent(connection, errors.UpstreamBusy("the budget of calls is used up"))
                continue
            try:
                tokens = StoredTokens(connection.pk)
                look(connection, tokens, allowance.spend, seconds=settings.UPSTREAM_DEADLINE_SECONDS)
            finally:
                allowance.give_back()
            answering += 1
    return answering
