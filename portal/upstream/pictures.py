"""Pictures of the upstream's choosing: fetched from permitted hosts only, never passed on as they came."""

import io
import re
import threading
from collections.abc import Collection

from PIL import Image, ImageOps

from portal.upstream import networks, transport

# What a camera of a door takes, four times over. Unpacked it is three or four bytes for each.
MOST_PIXELS = 9_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")
_LONGEST_ADDRESS = 4096
# One name for one host: no other scripts, escapes or credentials, nothing two parsers could read differently.
_ADDRESS = re.compile(
    r"(https?)://([a-z0-9.\-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?:[/?#].*)?", re.IGNORECASE
)
# Design decision: one is unpacked at a time in a process, however many threads have fetched some: a usual one takes
# milliseconds, and what pictures cost in memory is known, whatever comes.
_unpacking = threading.Lock()


class PictureRefused(Exception):
    """This address or content is never fetched or shown; trying again changes nothing."""


class PictureNotAllowed(PictureRefused):
    """The address is none that may be asked: nothing was fetched."""


class PictureUnavailable(Exception):
    """The picture did not come this time. ``status`` is what was answered, None where nothing was."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


def fetch_picture(
    url: str,
    *,
    allowed_hosts: Collection[str],
    allow_loopback: bool,
    deadline_seconds: float = 8.0,
    cap_bytes: int = 8_000_000,
) -> bytes:
    """The bytes of a JPEG, PNG or WebP picture, as they came: `reencode` them before they go anywhere.

    An entry of ``allowed_hosts`` is `host`, on the scheme's own port, or `host:port`. Only https and
    only public addresses, except that with ``allow_loopback`` an entry with a port may lead to this
    machine, by http too. The name is resolved once and the connection goes to the very address that
    was checked; redirects are not followed. Raises PictureRefused or PictureUnavailable.
    """
    may_be_local = _check_address(url, allowed_hosts, allow_loopback)
    must_be_local = url.lower().startswith("http://")

    def permit(address: str) -> bool:
        if networks.is_loopback(address):
            return may_be_local
        return not must_be_local and networks.is_public(address)

    try:
        reply = transport.exchange(
            "GET",
            url,
            headers={"Accept": "image/jpeg, image/png, image/webp", "User-Agent": "gatehouse"},
            deadline=transport.Deadline(deadline_seconds),
            cap_bytes=cap_bytes,
            max_idle_seconds=0.0,
            permit=permit,
        )
    except transport.AddressRefused:
        raise PictureNotAllowed("the host is not a public address") from None
    except transport.Interrupted as error:
        if error.too_large:
            raise PictureRefused(f"it is larger than {cap_bytes} bytes") from None
        raise PictureUnavailable(str(error)) from None
    except transport.NotExchanged as error:
        raise PictureUnavailable(str(error)) from None
    if 300 <= reply.status < 400:
        raise PictureRefused("it leads to another address")
    if reply.status != 200:
        raise PictureUnavailable(f"HTTP {reply.status}", reply.status)
    data = bytes(reply.body)
    _open(data).close()
    return data


def reencode(data: bytes, *, max_side: int, as_png: bool = False) -> bytes:
    """The picture drawn anew as a JPEG (or PNG, for a QR code) within ``max_side`` pixels each way.

    Turned as its orientation says; nothing else of the original is left in it: no metadata, no
    profile, no comment, no bytes behind the picture, and of one that moves only how it begins. Waits while others are
    unpacked. Raises PictureRefused for what does not decode.
    """
    with _unpacking:
        return _draw(data, max_side, as_png=as_png)


def _draw(data: bytes, max_side: int, *, as_png: bool) -> bytes:
    image = _open(data)
    try:
        # Before turning: a JPEG is decoded at the smaller size already.
        image.thumbnail((max_side, max_side))
        turned = ImageOps.exif_transpose(image)
        drawn = Image.new("RGB", turned.size, "white")
        if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
            layer = turned.convert("RGBA")
            drawn.paste(layer, mask=layer)
        else:
            drawn.paste(turned.convert("RGB"))
        out = io.BytesIO()
        if as_png:
            drawn.save(out, "PNG", optimize=True)
        else:
            drawn.save(out, "JPEG", quality=82)
        return out.getvalue()
    except Exception as error:  # Pillow raises whatever a hostile file leads it to
        reason = type(error).__name__
    finally:
        image.close()
    raise PictureRefused(f"it does not decode: {reason}")


def _check_address(url: str, allowed_hosts: Collection[str], allow_loopback: bool) -> bool:
    """Whether the address may lead to this machine; raises PictureNotAllowed where it may lead nowhere."""
    if len(url) > _LONGEST_ADDRESS or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise PictureNotAllowed("the address is not plain")
    found = _ADDRESS.fullmatch(url)
    if not found:
        raise PictureNotAllowed("the address is not one of a picture")
    scheme, host, port = found[1].lower(), found[2].lower().rstrip("."), found[3]
    own_port = "443" if scheme == "https" else "80"
    allowed = {entry.lower() for entry in allowed_hosts}
    is_named = f"{host}:{port or own_port}" in allowed
    if not is_named and not (host in allowed and port in (None, own_port)):
        raise PictureNotAllowed("the host is not among the permitted ones")
    may_be_local = allow_loopback and is_named
    if scheme == "http" and not may_be_local:
        raise PictureNotAllowed("only https is fetched")
    return may_be_local


def _open(data: bytes) -> Image.Image:
    """The picture with its header read, known to be of a permitted kind and size; raises PictureRefused."""
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Exception as error:  # Pillow raises whatever a hostile file leads it to
        reason = type(error).__name__
    else:
        width, height = image.size
        if width * height <= MOST_PIXELS and width > 0 and height > 0:
            return image
        image.close()
        reason = f"{width} by {height} pixels are too many"
    raise PictureRefused(f"it is no JPEG, PNG or WebP picture: {reason}")
