"""Reads why nothing can be sent to a family now, in the words of whoever looks."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from families.models import Family, Reach, Rights
from portal.accounts.models import User
from portal.connections.conditions import Condition, describe
from portal.connections.models import Connection, Health
from portal.connections.telling import renewal_url

_RANK = {Rights.ADMIN.value: 0, Rights.USER.value: 1}


@dataclass(frozen=True)
class Trouble:
    """Why nothing can be sent to a family now.

    ``is_lasting``: until somebody does something about it; else it goes on by itself, and a press is told at once
    when. ``url`` leads to where it is mended, with ``action`` as its words; "" for who cannot mend it.
    """

    status: str
    title: str
    detail: str
    is_lasting: bool
    url: str = ""
    action: str = ""


def list_trouble(user: User, families: Collection[int]) -> dict[int, Trouble]:
    """Of these families those to which nothing can be sent now, and why. One query, no upstream call."""
    reaches: dict[int, list[Reach]] = {family: [] for family in families}
    for reach in organisations_reaches(families):
        reaches[reach.family_id].append(reach)
    found = {family: trouble_of(user, mine) for family, mine in reaches.items()}
    return {family: trouble for family, trouble in found.items() if trouble is not None}


def find_trouble(user: User, family: Family) -> Trouble | None:
    """Why nothing can be sent to this family now; None where it can. One query."""
    return trouble_of(user, organisations_reaches([family.pk]))


def organisations_reaches(families: Collection[int]) -> QuerySet[Reach]:
    """How the organisation reaches these families, without the connections' secrets."""
    found = Reach.objects.filter(family__in=families, gone_at=None, connection__owner=None)
    return found.select_related("connection").defer(
        "connection__access_token", "connection__refresh_token", "connection__client_secret"
    )


def trouble_of(user: User, reaches: Iterable[Reach], *, removed: str = "") -> Trouble | None:
    """Why nothing can be sent to a family that is reached so; None where it can.

    Judged by the account that would act there. ``removed`` is the name of a connection that reached it before.
    """
    for_acting = sorted(reaches, key=order_for_acting)
    if not for_acting:
        return _unreached(user, removed)
    connection = for_acting[0].connection
    condition = describe(connection)
    if condition.state not in {"signed_out", "paused", "resting"}:
        return None
    return _told(user, connection, condition)


def order_for_acting(reach: Reach) -> tuple[bool, int, datetime]:
    """The account that acts first: one that works, then by its rights, then the one that is known longest."""
    return (not works(reach), _RANK.get(reach.auth, len(_RANK)), reach.first_seen_at)


def works(reach: Reach) -> bool:
    """Whether anything can be tried through it."""
    return reach.connection.paused_at is None and reach.connection.health != Health.SIGNED_OUT


def _unreached(user: User, removed: str) -> Trouble:
    if user.is_family_admin:
        return Trouble("bad", _not_reached(), _tell_the_manager(), is_lasting=True)
    if removed:
        title = _("This family is not connected any more")
        detail = _(
            "“%(name)s”, which reached it, was removed. What you see is from before, and nothing can be sent."
        )
        return Trouble("bad", title, detail % {"name": removed}, is_lasting=True)
    detail = _("What you see is from before, and nothing can be sent.")
    return Trouble("bad", _("No connection reaches this family"), detail, is_lasting=True)


def _told(user: User, connection: Connection, condition: Condition) -> Trouble:
    name = {"name": connection.name}
    if condition.state == "resting":
        # It goes on by itself: nobody has to do anything.
        title = _("The door system does not answer through “%(name)s”") % name
        return Trouble(
            condition.status,
            _not_reached() if user.is_family_admin else title,
            condition.sentence,
            is_lasting=False,
        )
    if user.is_family_admin:
        return Trouble("bad", _not_reached(), _tell_the_manager(), is_lasting=True)
    if condition.state == "paused":
        title = _("The connection “%(name)s” is paused") % name
        detail = _("What you see is from before, and nothing can be sent until it goes on.")
        return Trouble("off", title, detail, is_lasting=True)
    title = _("The connection “%(name)s” is signed out") % name
    detail = _("What you see is from before, and nothing can be sent until it is signed in again.")
    url = renewal_url(user, connection)
    return Trouble("bad", title, detail, is_lasting=True, url=url, action=_("Renew it") if url else "")


def _not_reached() -> str:
    return _("The doors cannot be reached at this moment")


def _tell_the_manager() -> str:
    return _("What you see is from before, and nothing can be sent. Tell the property manager.")
