"""Reads what a visitor's link shows, by nothing but its secret."""

import enum
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from access.models import TempKey, VisitorLink
from access.selectors.passes import PassState, state_of
from portal.web.zones import zone_called

# So long a link says of a pass that it is over; afterwards it is like one that never was.
OVER_IS_SAID_FOR = timedelta(days=30)


class Standing(enum.StrEnum):
    """Where a pass stands for its visitor, to whom a deleted one is simply over."""

    COMING = "coming"
    LIVE = "live"
    USED_UP = "used_up"
    OVER = "over"
    # The door system tells its window in a way that nobody understands.
    UNCLEAR = "unclear"


_STANDINGS = {
    PassState.COMING: Standing.COMING,
    PassState.LIVE: Standing.LIVE,
    PassState.USED_UP: Standing.USED_UP,
    PassState.OVER: Standing.OVER,
    PassState.GONE: Standing.OVER,
    PassState.UNREAD: Standing.UNCLEAR,
}


@dataclass(frozen=True)
class Seen:
    """A pass as its visitor may see it: no family, no member, no label.

    ``place`` is the name of the property, ``contact`` whom to call there, "" where there is none.
    """

    link: VisitorLink
    standing: Standing
    zone: ZoneInfo
    place: str
    contact: str

    @property
    def key(self) -> TempKey:
        """The pass."""
        return self.link.temp_key


def find_seen(secret: str) -> Seen | None:
    """What the link of this secret shows now; None for one that was ended, is long over, or never was.

    One query, and another for the link of a family admin: whether they still have a right to the pass.
    """
    found = VisitorLink.objects.filter(secret_digest=digest_of(secret), revoked_at=None)
    dressed = found.select_related("made_by", "temp_key__family__property")
    link = dressed.first()
    if link is None or not stands(link):
        return None
    key, now = link.temp_key, timezone.now()
    standing = _STANDINGS[state_of(key, now)]
    if standing == Standing.OVER and _ended_at(key, now) + OVER_IS_SAID_FOR <= now:
        return None
    house = key.family.property
    zone = zone_called(link.time_zone or (house.time_zone if house is not None else ""))
    return Seen(link, standing, zone, house.name if house else "", house.visitor_contact if house else "")


def stands(link: VisitorLink) -> bool:
    """Whether nobody has ended the link, whatever its pass says; it came with its pass and its maker.

    Design decision: a family admin's link ends with their right to the pass, and rests while they are switched off: it
    is looked up each time, so that no end of a grant can be forgotten. A manager's is the office's, as the pass is:
    it stays when they leave, for colleagues to end. docs/decisions/0028 says why. One query for a family admin's.
    """
    maker, key = link.made_by, link.temp_key
    if link.revoked_at is not None or maker is None:
        return False
    if not maker.is_family_admin:
        return True
    return key.may_be_managed_by(maker) and TempKey.objects.visible_to(maker).filter(pk=key.pk).exists()


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _ended_at(key: TempKey, now: datetime) -> datetime:
    ends = [moment for moment in (key.gone_at, key.ends_at) if moment is not None]
    return min(ends, default=now)
