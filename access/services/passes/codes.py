"""The digits of a pass and its picture as they were read just now: shown or sent on, and kept nowhere."""

import base64
from dataclasses import dataclass, field
from typing import Literal

from django.conf import settings

from portal.upstream.pictures import PictureRefused, PictureUnavailable, fetch_picture, reencode

QR_SECONDS = 3.0
# A code that a phone reads from a screen or from paper; larger ones are drawn smaller.
QR_SIDE = 600
SHORTEST_SECONDS = 0.2

# Why there is no picture: none was named, it may not be fetched or shown, it did not come this time.
NoPicture = Literal["", "none", "refused", "late"]


@dataclass(frozen=True)
class PassCode:
    """What opens the door. ``qr_png`` is the upstream's picture drawn anew, None where there is none to show."""

    digits: str = field(repr=False)
    qr_png: bytes | None = field(default=None, repr=False)
    no_picture: NoPicture = ""

    @property
    def qr_src(self) -> str:
        """The picture as a page shows it, "" without one: its answer permits ``data:`` pictures."""
        return qr_data_url(self.qr_png) if self.qr_png is not None else ""


def read_code(digits: str, qr_url: str, *, seconds: float = QR_SECONDS) -> PassCode:
    """The digits with the picture of this address, or with why there is none; never raises.

    Design decision: no picture is drawn here from the digits. What the upstream puts in its code is not in the
    reference, and one that a reader does not know would leave a visitor before a closed door.
    """
    if not qr_url:
        return PassCode(digits, None, "none")
    if seconds < SHORTEST_SECONDS:
        return PassCode(digits, None, "late")
    try:
        return PassCode(digits, _fetch(qr_url, seconds))
    except PictureRefused:
        return PassCode(digits, None, "refused")
    except PictureUnavailable:
        return PassCode(digits, None, "late")


def qr_data_url(png: bytes) -> str:
    """A picture as an address that holds it: it is asked for nowhere, and no cache has it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _fetch(url: str, seconds: float) -> bytes:
    data = fetch_picture(
        url,
        allowed_hosts=set(settings.CAPTURE_HOSTS),
        allow_loopback=not settings.IS_PRODUCTION,
        deadline_seconds=seconds,
        cap_bytes=2_000_000,
    )
    return reencode(data, max_side=QR_SIDE, as_png=True)
