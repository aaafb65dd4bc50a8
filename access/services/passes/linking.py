"""Visitors' links as a pass's page and its mails make and end them: without the trail there is none."""

from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError

from access.models import TempKey
from access.services.visitors import links
from access.services.visitors.links import NewLink
from portal.accounts.models import User
from portal.audit.trail import AuditUnavailable
from portal.keys import KeyMissing

Done = TypeVar("Done")


def make_link(actor: User, *, key: TempKey) -> NewLink:
    """A link for the visitor of a pass; an earlier one ends with it. Raises what links.make_link raises, and
    AuditUnavailable: nothing was made then."""
    return _written(lambda: links.make_link(actor, key=key))


def end_link(actor: User, *, key: TempKey) -> None:
    """End the link of a pass; nothing, where none stands. Raises AuditUnavailable: it stands as before then."""
    link = links.live_link(key)
    if link is not None:
        _written(lambda: links.end_link(actor, link=link))


def _written(act: Callable[[], Done]) -> Done:
    try:
        return act()
    except (DatabaseError, OSError, KeyMissing) as error:
        raise AuditUnavailable("the link could not be written") from error
