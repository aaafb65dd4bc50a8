"""The connections that need somebody."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import Family, Reach
from portal.accounts.models import User
from portal.connections.conditions import ENDING, Condition, describe
from portal.connections.models import Connection, Health
from portal.connections.selectors import list_cover
from portal.connections.telling import how_to_renew, renewal_url
from portal.desk.attention.items import Item
from portal.web.access import may_visit
from portal.web.templatetags.web import relative


def tell_connections(user: User) -> Iterator[Item]:
    """The organisation's connections that something of the person's depends on, and their own."""
    now = timezone.now()
    ending = Q(expires_at__lt=now + ENDING, refresh_token=None)
    visible = Family.objects.visible_to(user)
    unfit = Connection.objects.answering_badly().values("pk")
    found = Connection.objects.there().filter(
        ~Q(health=Health.GOOD) | ~Q(paused_at=None) | ending | Q(pk__in=unfit), Q(owner=None) | Q(owner=user)
    )
    if user.is_family_admin:
        # Their doors are reached as long as any connection does.
        reached = Reach.objects.working().filter(connection__health=Health.GOOD, family=OuterRef("pk"))
        reached = reached.exclude(connection__in=unfit)
        cut_off = visible.filter(~Exists(reached), gone_at=None)
        mine = Reach.objects.filter(connection=OuterRef("pk"), gone_at=None, family__in=cut_off)
        found = found.filter(Q(owner=user) | Exists(mine))
    elif user.is_limited:
        reaches = Reach.objects.filter(connection=OuterRef("pk"), gone_at=None, family__in=visible)
        found = found.filter(Q(owner=user) | Exists(reaches))
    is_told = False
    connections = list(found.without_secrets().order_by("health_since"))
    cover = list_cover(connections, None if user.is_manager and not user.is_limited else visible)
    for connection in connections:
        condition = describe(connection, cover.get(connection.pk))
        if connection.owner_id is None and user.is_family_admin:
            if not is_told and condition.state != "ending":
                is_told = True
                yield _doors_cut_off(condition)
        elif condition.state not in {"good", "held"}:
            yield _connection(user, connection, condition)


def _doors_cut_off(condition: Condition) -> Item:
    """To a family admin without a word of connections; since when is the whole estate's, and no secret."""
    detail = _("Since %(since)s. What you see is from before. The property manager sees this too.")
    title = _("Your doors cannot be reached at this moment")
    return Item("bad", title, detail % {"since": relative(condition.since or timezone.now())})


def _connection(user: User, connection: Connection, condition: Condition) -> Item:
    is_own = connection.owner_id is not None
    name = {"name": connection.name}
    match condition.state:
        case "signed_out":
            title = (
                _("Your own connection is signed out")
                if is_own
                else _("The connection “%(name)s” is signed out")
            )
        case "paused":
            title = _("Your own connection is paused") if is_own else _("The connection “%(name)s” is paused")
        case "unfit":
            title = (
                _("Your own connection answers, but not as it should")
                if is_own
                else _("The connection “%(name)s” answers, but not as it should")
            )
        case "ending":
            title = _("The sign-in of “%(name)s” ends soon")
        case _:
            title = _("The door system does not answer through “%(name)s”")
    parts = [condition.meaning, condition.remedy]
    if condition.since:
        parts.insert(0, _("Since %(since)s.") % {"since": relative(condition.since)})
    url = action = ""
    if condition.state in {"signed_out", "ending"}:
        url, action = renewal_url(user, connection), _("Renew it")
        if not url:
            can_renew = user.is_manager and not user.is_limited
            parts.append(how_to_renew(connection) if can_renew else _("A manager of everything can do that."))
    elif may_visit(user, "connections:connection_detail") and not is_own:
        url = reverse("connections:connection_detail", args=[connection.public_id])
        action = _("See the connection")
    detail = " ".join(part for part in parts if part)
    return Item(condition.status, title % name, detail, url, action if url else "")
