"""Links that show a visitor their pass: made, ended, found.

Design decision: of a link's secret only a plain digest is kept. It has 256 bits: nobody who has the database can try
them out, and it is found by the index of its digest, which tells nothing by the time it takes.
"""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from access.models import TempKey, VisitorLink
from access.selectors.handing import may_be_linked
from access.selectors.visitors import digest_of, stands
from access.services.passes.naming import about
from families.services.acting import may_act_in
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.chain import HeadNotKept
from portal.audit.trail import By
from portal.web.zones import find_zone

MAKE_EVENT, REVOKE_EVENT = "visitor_link.make", "visitor_link.revoke"
SECRET_BYTES = 32
logger = logging.getLogger(__name__)


class NothingToShow(Exception):
    """The pass is over, or nobody knows which of the door system's it is: a link would show nothing."""


@dataclass(frozen=True)
class NewLink:
    """A link as it was just made. Its secret is nowhere else: whoever has it may see the code."""

    link: VisitorLink
    secret: str = field(repr=False)


def make_link(actor: User, *, key: TempKey, language: str = "", time_zone: str = "") -> NewLink:
    """A link for the visitor of a pass; an earlier one of the same pass ends with it.

    ``key`` was fetched through ``visible_to(actor)``. ``language`` and ``time_zone`` are the visitor's; one that we do
    not know counts as none. Raises PermissionDenied, NothingToShow and trail.AuditUnavailable: nothing was made then.
    """
    may_act_in(actor, key.family)
    if not key.may_be_managed_by(actor):
        raise PermissionDenied
    secret = secrets.token_urlsafe(SECRET_BYTES)
    now = timezone.now()
    with _written("the link"):
        # Of two made at the same moment the later one stands.
        held = TempKey.objects.select_for_update().get(pk=key.pk)
        if not may_be_linked(held, now):
            raise NothingToShow
        earlier = VisitorLink.objects.filter(temp_key=held, revoked_at=None)
        ended = earlier.update(revoked_at=now, revoked_by_name=str(actor))
        link = VisitorLink.objects.create(
            temp_key=held,
            secret_digest=digest_of(secret),
            language=language if language in dict(settings.LANGUAGES) else "",
            time_zone=find_zone(time_zone) or "",
            made_by=actor,
            made_at=now,
        )
        parameters = {
            "link": link.public_id,
            "language": link.language,
            "time_zone": link.time_zone,
            "earlier_links_ended": ended,
        }
        trail.record(MAKE_EVENT, By.person(actor), about(key), parameters=parameters)
    return NewLink(link, secret)


def end_link(by: By | User, *, link: VisitorLink) -> bool:
    """End a link: from now on it shows nothing. False where it had ended already, and nothing was written.

    ``link`` was fetched through ``visible_to`` of the person. Raises PermissionDenied where it is not theirs to end, and
    trail.AuditUnavailable: it stands as before then.
    """
    if isinstance(by, User):
        may_act_in(by, link.temp_key.family)
        if not link.temp_key.may_be_managed_by(by):
            raise PermissionDenied
        by = By.person(by)
    with _written("that the link ended"):
        still = VisitorLink.objects.filter(pk=link.pk, revoked_at=None)
        link.revoked_at, link.revoked_by_name = timezone.now(), by.name
        if not still.update(revoked_at=link.revoked_at, revoked_by_name=link.revoked_by_name):
            link.refresh_from_db(fields=["revoked_at", "revoked_by_name"])
            return False
        trail.record(REVOKE_EVENT, by, about(link.temp_key), parameters={"link": link.public_id})
    return True


@contextmanager
def _written(what: str) -> Iterator[None]:
    """A transaction with its entry. What is committed stands, also where its head could not be kept: the next covers it."""
    try:
        with trail.writing(what, tells_of_heads=True), transaction.atomic():
            yield
    except HeadNotKept:
        logger.exception("the audit head could not be kept")


def live_link(key: TempKey) -> VisitorLink | None:
    """The link that shows this pass to its visitor now, or will; None where none does. At most two queries."""
    if not may_be_linked(key):
        return None
    found = VisitorLink.objects.filter(temp_key=key, revoked_at=None).select_related(
        "made_by", "temp_key__family"
    )
    link = found.order_by("-made_at", "-pk").first()
    return link if link is not None and stands(link) else None


def address_of(secret: str) -> str:
    """The whole address of a link, as it is given to the visitor."""
    return f"{settings.PUBLIC_URL}{reverse('access:visitor_pass', args=[secret])}"
