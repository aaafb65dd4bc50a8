"""Reads why nothing can be sent to a family now, in the words of whoever looks."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple, Protocol

from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from families.models import Family, Reach, Rights
from families.selectors.prepared import Prepared, hole
from portal.accounts.models import User
from portal.connections.conditions import Condition, describe
from portal.connections.models import Connection, Health
from portal.connections.telling import renewal_url

_SECRETS = ("access_token", "refresh_token", "client_secret")
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


class Way(Protocol):
    """How an account reaches a family: a Reach, or what is asked of one."""

    @property
    def connection(self) -> Connection: ...
    @property
    def auth(self) -> str: ...
    @property
    def first_seen_at(self) -> datetime: ...


class _Reached(NamedTuple):
    connection: Connection
    auth: str
    first_seen_at: datetime


def list_trouble(user: User, families: Collection[int]) -> dict[int, Trouble]:
    """Of these families those to which nothing can be sent now, and why. One query, no upstream call."""
    if not families:
        return {}
    reaches: dict[int, list[_Reached]] = {family: [] for family in families}
    connections: dict[object, Connection] = {}
    numbers = (", ".join(["%s"] * len(families)), list(families))
    for family, auth, first_seen_at, pk, *row in _lines().tuples(families=numbers):
        if pk not in connections:
            connections[pk] = Connection.from_db(DEFAULT_DB_ALIAS, _connection_names(), (pk, *row))
        reaches[family].append(_Reached(connections[pk], auth, first_seen_at))
    # Few connections reach many families, and what is wrong with one is the same for all of them.
    told: dict[object, Trouble | None] = {}
    found = {}
    for family, mine in reaches.items():
        acting = min(mine, key=order_for_acting, default=None)
        name = acting and acting.connection.pk
        if name not in told:
            told[name] = trouble_of(user, [acting] if acting else [])
        found[family] = told[name]
    return {family: trouble for family, trouble in found.items() if trouble is not None}


def find_trouble(user: User, family: Family) -> Trouble | None:
    """Why nothing can be sent to this family now; None where it can. One query."""
    return trouble_of(user, organisations_reaches([family.pk]))


def organisations_reaches(families: Collection[int]) -> QuerySet[Reach]:
    """How the organisation reaches these families, without the connections' secrets."""
    found = Reach.objects.filter(family__in=families, gone_at=None, connection__owner=None)
    return found.select_related("connection").defer(*(f"connection__{name}" for name in _SECRETS))


@cache
def _connection_names() -> list[str]:
    # The number first, as in the table.
    return [field.attname for field in Connection._meta.concrete_fields if field.name not in _SECRETS]


@cache
def _lines() -> Prepared:
    found = Reach.objects.filter(family__in=hole("families"), gone_at=None, connection__owner=None)
    columns = (f"connection__{name}" for name in _connection_names())
    return Prepared(found.values_list("family_id", "auth", "first_seen_at", *columns))


def trouble_of(user: User, reaches: Iterable[Way], *, removed: str = "") -> Trouble | None:
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


def order_for_acting(reach: Way) -> tuple[bool, int, datetime]:
    """The account that acts first: one that works, then by its rights, then the one that is known longest."""
    return (not works(reach), _RANK.get(reach.auth, len(_RANK)), reach.first_seen_at)


def works(reach: Way) -> bool:
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
