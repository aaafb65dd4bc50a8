"""Tells people by mail that a sign-in is over: once for each time, whichever process finds it first."""

import logging
import smtplib
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.mails import send_mail
from portal.accounts.models import Role, User
from portal.connections.models import Connection, Health
from portal.web.access import may_visit

# A process that died while it was sending holds the mail back for so long; one that could not be sent, too.
AGAIN_AFTER = timedelta(minutes=5)

log = logging.getLogger(__name__)


def tell_lost_sign_ins() -> int:
    """Mail whom it concerns for each connection that is signed out and was not told of; return how many were.

    The unlimited managers for one of the organisation's, its owner for a personal one. A mail that could be handed
    over to nobody is tried again in five minutes; one that reached somebody is never sent again, and who was left
    out stands in the log. Costs one query when there is nothing to tell.
    """
    now = timezone.now()
    untold = Connection.objects.there().filter(
        Q(tell_after=None) | Q(tell_after__lte=now), health=Health.SIGNED_OUT, paused_at=None, told_at=None
    )
    told = 0
    for connection in untold.select_related("owner").defer("access_token", "refresh_token", "client_secret"):
        # One update decides who sends it.
        mine = Connection.objects.filter(
            pk=connection.pk, health=Health.SIGNED_OUT, told_at=None, tell_after=connection.tell_after
        )
        if mine.update(tell_after=now + AGAIN_AFTER) and _tell(connection, concerned(connection)):
            # Somebody may have signed it in again meanwhile: then the next loss is told anew.
            same = Connection.objects.filter(pk=connection.pk, token_version=connection.token_version)
            told += same.update(told_at=timezone.now())
    return told


def concerned(connection: Connection) -> list[User]:
    """Who can sign it in again: its owner, or all unlimited managers."""
    people = User.objects.filter(is_active=True)
    if connection.owner_id is not None:
        people = people.filter(pk=connection.owner_id)
    else:
        people = people.filter(role=Role.MANAGER, is_limited=False)
    return list(people.order_by("pk"))


def renewal_url(person: User, connection: Connection) -> str:
    """Where this person signs the connection in again; "" where no page does that for them. No query."""
    if connection.owner_id == person.pk:
        name, arguments = "connections:own_connection", []
    else:
        # Those whom it admits see every connection.
        name, arguments = "connections:connection_renew", [connection.public_id]
    return reverse(name, args=arguments) if may_visit(person, name) else ""


def how_to_renew(connection: Connection) -> str:
    """How it is done where no page does it."""
    return _("Renew it with: manage.py connect “%(name)s”.") % {"name": connection.name}


def _tell(connection: Connection, people: Sequence[User]) -> bool:
    """Whether it was handed over to anybody; True also where there is nobody to tell."""
    reached = 0
    for person in people:
        path = renewal_url(person, connection)
        context = {
            "connection": connection.name,
            "since": connection.health_since,
            "words": connection.last_error,
            "link": f"{settings.PUBLIC_URL}{path}" if path else settings.PUBLIC_URL,
        }
        try:
            send_mail("connection_lost", [person.email], context)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("the mail about a lost sign-in could not be handed over: %s", type(error).__name__)
            continue
        reached += 1
    return reached > 0 or not people
