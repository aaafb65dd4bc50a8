"""The full picture of an opening, fetched when somebody asks to see it and kept nowhere."""

import threading
import time
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from access.models import Opening, Picture
from access.sync.pictures import hosts_of
from portal.upstream.pictures import (
    PictureNotAllowed,
    PictureRefused,
    PictureUnavailable,
    fetch_picture,
    reencode,
)

MAX_SIDE = 1280
# Of an action's time: nobody waits for a picture as for a door.
SHARE_OF_DEADLINE = 0.5
# Design decision: pictures have places of their own, and few. A host that hangs can hold no more threads than these,
# and none of those that open doors.
AT_ONCE = 2
# So long one waits for a place: two rows that are opened together both get theirs.
WAIT_SECONDS = 1.0
# What an upstream answers that has taken the picture away, or lets nobody in with this address any more.
GONE = frozenset({401, 403, 404, 410})
_places = threading.BoundedSemaphore(AT_ONCE)

# none: the camera took none; not_allowed: its address may not be asked; no_picture: what came is none; gone: the door
# system does not give it any more; late: it did not come this time; busy: others are being fetched.
NotShown = Literal["none", "not_allowed", "no_picture", "gone", "late", "busy"]


@dataclass(frozen=True)
class FullPicture:
    """A JPEG of our own drawing, or why there is none."""

    jpeg: bytes | None
    why: NotShown | None = None


def has_full_picture(picture: str, picture_url: str) -> bool:
    """Whether it is worth asking: an address was told, on a host that was not refused before."""
    return bool(picture_url) and picture != Picture.REFUSED


def fetch_full(opening: Opening) -> FullPicture:
    """The full picture of this opening, which was fetched through ``visible_to``; never raises for what comes.

    Asks the permitted hosts only, once, within half of UPSTREAM_DEADLINE_SECONDS; sends no command and writes nothing.
    """
    if not opening.picture_url:
        return FullPicture(None, "none")
    hosts = hosts_of({opening.family_id})[opening.family_id]
    ends = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS * SHARE_OF_DEADLINE
    if not _places.acquire(timeout=WAIT_SECONDS):
        return FullPicture(None, "busy")
    try:
        data = fetch_picture(
            opening.picture_url,
            allowed_hosts=hosts,
            allow_loopback=not settings.IS_PRODUCTION,
            deadline_seconds=ends - time.monotonic(),
        )
        return FullPicture(reencode(data, max_side=MAX_SIDE))
    except PictureNotAllowed:
        return FullPicture(None, "not_allowed")
    except PictureRefused:
        return FullPicture(None, "no_picture")
    except PictureUnavailable as error:
        return FullPicture(None, "gone" if error.status in GONE else "late")
    finally:
        _places.release()
