"""Shows the code of a pass to its visitor: inside the window, a few times, on the trail before it is asked for."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from access.models import VisitorLink
from access.selectors.visitors import Seen, Standing, find_seen
from access.services.passes import revealing
from access.services.passes.codes import PassCode
from portal.accounts import guessing
from portal.accounts.guessing import Limit
from portal.audit.trail import AuditUnavailable, By

SHOW_EVENT = "visitor_link.show"
# Ten within any hour: six at once, for somebody who stands at the door, and one more every quarter of an hour.
BY_LINK = Limit(6, timedelta(minutes=15))
# Thirty within any hour: a network that many visitors share.
BY_ADDRESS = Limit(20, timedelta(minutes=6))
# Of links that show nothing: what somebody may try who guesses, or whose mail cut the link.
MISSES = Limit(20, timedelta(minutes=1))


class LinkOver(Exception):
    """The link shows nothing any more: it was ended since it was looked at. Nothing was shown."""


class NotNow(Exception):
    """The pass does not work at this moment; ``seen`` is how it stands. Nothing was shown."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(seen.standing)
        self.seen = seen


@dataclass
class TooOften(Exception):
    """It was asked for too often; ``seconds`` until it may be asked for again. Nothing was asked or shown."""

    seconds: int


def show(secret: str, *, network: str) -> tuple[Seen, PassCode]:
    """The code of the pass behind a link, for whoever holds the link, and how it stands.

    ``network`` is where they are (guessing.network_of). Raises LinkOver, NotNow, TooOften, trail.AuditUnavailable and
    what reveal_pass raises else: nothing was shown then, and the try does not count against the link. How it stands
    is looked up anew after the code was read: a link that was ended meanwhile shows nothing. Cost: 1 upstream call,
    and at most one picture.
    """
    link = _inside_the_window(secret).link
    try:
        counted = _count(link, network)
    except DatabaseError as error:
        raise AuditUnavailable("that it was asked for could not be counted") from error
    try:
        code = revealing.reveal_pass(
            By.visitor(), link.temp_key, event=SHOW_EVENT, actor=None, parameters={"link": link.public_id}
        )
        seen = _inside_the_window(secret)
        if not _note(link):
            raise LinkOver
    except Exception:
        with suppress(DatabaseError):
            guessing.give_back(counted, BY_LINK)
        raise
    return seen, code


def may_miss(network: str) -> bool:
    """Whether somebody there may be told once more that a link shows nothing; it is counted."""
    parts = ("visitor-miss", network)
    try:
        # Asked before it is counted: whoever is over it costs no write.
        return guessing.is_free(parts, MISSES) and guessing.take(guessing.key_of(*parts), MISSES)
    except DatabaseError:
        # They are told nothing that could be guessed at, counted or not.
        return True


def _inside_the_window(secret: str) -> Seen:
    seen = find_seen(secret)
    if seen is None:
        raise LinkOver
    if seen.standing != Standing.LIVE:
        raise NotNow(seen)
    return seen


def _count(link: VisitorLink, network: str) -> str:
    """Count a showing, of the link and of the address; return what the link's is counted by. Raises TooOften."""
    by_link, by_address = ("visitor-link", link.public_id), ("visitor-address", network)
    key = guessing.key_of(*by_link)
    if not guessing.take(key, BY_LINK):
        raise TooOften(guessing.seconds_until_free(by_link, BY_LINK))
    if not guessing.take(guessing.key_of(*by_address), BY_ADDRESS):
        guessing.give_back(key, BY_LINK)
        raise TooOften(guessing.seconds_until_free(by_address, BY_ADDRESS))
    return key


def _note(link: VisitorLink) -> bool:
    """Count that it is shown now; False where the link has just been ended."""
    still = VisitorLink.objects.filter(pk=link.pk, revoked_at=None)
    try:
        return still.update(shown_at=timezone.now(), shown_count=F("shown_count") + 1) == 1
    except DatabaseError as error:
        raise AuditUnavailable("that it is shown could not be counted") from error
