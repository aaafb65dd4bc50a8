"""Pictures: where they may come from, what they may be, and what is left of them."""

import io
import socket
import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from portal.upstream.pictures import PictureRefused, PictureUnavailable, fetch_picture, reencode
from tests.upstream.peers import drip, hang, reply, reset


def encoded(kind: str, size=(40, 20), mode="RGB", color=(200, 30, 30), **options) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, kind, **options)
    return out.getvalue()


JPEG = encoded("JPEG")


def fetch(peer, path="/d.jpg", **options):
    host = f"127.0.0.1:{peer.port}"
    return fetch_picture(
        f"http://{host}{path}", **{"allowed_hosts": [host], "allow_loopback": True} | options
    )


@pytest.mark.parametrize("data", [JPEG, encoded("PNG"), encoded("WEBP")], ids=["jpeg", "png", "webp"])
def test_a_picture_of_a_permitted_host_is_fetched_as_it_came(serve, data):
    peer = serve(reply(data, Content_Type="application/octet-stream"))
    assert fetch(peer, "/d.jpg?sign=a%2Fb") == data
    [request] = peer.requests
    assert request.line == "GET /d.jpg?sign=a%2Fb HTTP/1.1"
    assert request.header("Authorization") is None
    assert request.header("Cookie") is None


def test_nothing_is_fetched_from_this_machine_unless_both_said_so(serve):
    peer = serve(reply(JPEG))
    host = f"127.0.0.1:{peer.port}"
    for options in (
        {"allowed_hosts": [host], "allow_loopback": False},
        {"allowed_hosts": [], "allow_loopback": True},
        {"allowed_hosts": ["127.0.0.1"], "allow_loopback": True},
        {"allowed_hosts": [f"127.0.0.1:{peer.port + 1}"], "allow_loopback": True},
    ):
        for scheme in ("http", "https"):
            with pytest.raises(PictureRefused):
                fetch_picture(f"{scheme}://{host}/d.jpg", **options)
    assert peer.connections == 0


ADDRESSES = [
    "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "255.255.255.255",
    "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "fd12::1",
    "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "2002:7f00:1::", "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:db8::1", "fec0::1",
]  # fmt: skip


@pytest.fixture
def resolve_to(monkeypatch):
    """Names lead where the test says; what is asked for is kept, and so is each connection tried."""
    asked: list[str] = []
    tried: list[tuple] = []

    def start(*turns: list[str]):
        def resolver(host, port, *args, flags=0, **kwargs):
            if flags & socket.AI_NUMERICHOST:
                raise socket.gaierror(socket.EAI_NONAME, "a name")
            asked.append(host)
            turn = turns[min(len(asked), len(turns)) - 1]
            return [
                (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
                for one in turn
            ]

        class Watched(socket.socket):
            def connect(self, address):
                tried.append(address)
                raise ConnectionRefusedError(111, "refused")

        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        monkeypatch.setattr(socket, "socket", Watched)
        return asked, tried

    return start


@pytest.mark.parametrize("allow_loopback", [False, True])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_permitted_name_that_leads_to_a_private_address_is_refused(resolve_to, address, allow_loopback):
    _, tried = resolve_to([address])
    with pytest.raises(PictureRefused, match="not a public address"):
        fetch_picture(
            "https://cdn.example/d.jpg", allowed_hosts=["cdn.example"], allow_loopback=allow_loopback
        )
    assert tried == []


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_a_public_address_is_connected_to(resolve_to, address):
    _, tried = resolve_to([address])
    with pytest.raises(PictureUnavailable):
        fetch_picture("https://cdn.example/d.jpg", allowed_hosts=["CDN.example"], allow_loopback=False)
    assert [one[:2] for one in tried] == [(address, 443)]


def test_one_private_address_among_public_ones_refuses_them_all(resolve_to):
    _, tried = resolve_to(["93.184.216.34", "10.0.0.1"])
    with pytest.raises(PictureRefused):
        fetch_picture("https://cdn.example/d.jpg", allowed_hosts=["cdn.example"], allow_loopback=False)
    assert tried == []


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(resolve_to):
    asked, tried = resolve_to(["93.184.216.34"], ["127.0.0.1"])
    with pytest.raises(PictureUnavailable):
        fetch_picture("https://rebind.example/d.jpg", allowed_hosts=["rebind.example"], allow_loopback=False)
    assert (asked, [one[0] for one in tried]) == (["rebind.example"], ["93.184.216.34"])


def test_plain_http_goes_nowhere_but_this_machine(resolve_to):
    _, tried = resolve_to(["93.184.216.34"])
    for allowed in ("cdn.example", "cdn.example:80"):
        with pytest.raises(PictureRefused):
            fetch_picture("http://cdn.example/d.jpg", allowed_hosts=[allowed], allow_loopback=True)
    assert tried == []


@pytest.mark.parametrize(
    "url",
    ["https://other.example/d.jpg", "https://cdn.example:8443/d.jpg", "https://cdn.example:80/d.jpg",
     "https://cdn.example.evil.example/d.jpg",
     "https://cdn.example@evil.example/d.jpg", "https://evil.example\\@cdn.example/d.jpg",
     "https://evil.example#@cdn.example/d.jpg",
     "https://cdn.example\t.evil.example/", "https://cdn.example\n/", "https://сdn.example/d.jpg",
     "https://cdn%2eexample/d.jpg",
     "ftp://cdn.example/d.jpg", "file:///etc/passwd", "data:image/png;base64,AAAA", "gopher://cdn.example/",
     "//cdn.example/d.jpg",
     "cdn.example/d.jpg", "", "https://", "https:///d.jpg", "https://cdn.example:/d.jpg",
     "https://cdn.example:99999/d.jpg", "javascript:alert(1)",
     "https://cdn.example/" + "a" * 5000, "https://2130706433/", "https://0177.0.0.1/", "https://0x7f.1/",
     "https://127.1/", "https://[::ffff:127.0.0.1]/",
     "https://user:pw@cdn.example/d.jpg"],
)  # fmt: skip
def test_other_hosts_ports_schemes_and_spellings_are_refused_before_a_name_is_looked_up(resolve_to, url):
    asked, tried = resolve_to(["93.184.216.34"])
    with pytest.raises(PictureRefused):
        fetch_picture(url, allowed_hosts=["cdn.example"], allow_loopback=False)
    assert (asked, tried) == ([], [])


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f000001", "127.1", "0"])
def test_numbers_that_the_system_reads_as_this_machine_are_refused_even_when_permitted(host):
    with pytest.raises(PictureRefused):
        fetch_picture(f"https://{host}/d.jpg", allowed_hosts=[host], allow_loopback=False)


def test_a_redirect_is_refused_and_not_followed(serve):
    trap = serve(reply(JPEG))
    peer = serve(reply(JPEG, 302, Location=trap.url))
    with pytest.raises(PictureRefused):
        fetch(peer)
    assert trap.requests == []


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "data",
    [SVG, b"<!doctype html><script>alert(1)</script>", b"", b"GIF89a" + b"\0" * 100, encoded("GIF"),
     encoded("BMP"), encoded("TIFF"),
     encoded("PPM"), b"%PDF-1.7", b"\xff\xd8\xff\xe0 not really", b"RIFF\0\0\0\0WEBPVP8 ",
     b"%!PS-Adobe-3.0 EPSF-3.0\n"],
)  # fmt: skip
def test_what_is_no_jpeg_png_or_webp_is_refused_whatever_it_is_called(serve, data):
    with pytest.raises(PictureRefused):
        fetch(serve(reply(data, Content_Type="image/jpeg")))
    with pytest.raises(PictureRefused):
        reencode(data, max_side=100)


def flood(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that announces this many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(5001, 5000), (12_000, 9000), (60_000, 60_000), (2**31 - 1, 1), (0, 0)])
def test_a_flood_of_pixels_is_refused_before_it_is_decoded(serve, size):
    data = flood(*size)
    with pytest.raises(PictureRefused):
        fetch(serve(reply(data)))
    with pytest.raises(PictureRefused):
        reencode(data, max_side=100)


def test_a_png_whose_text_unpacks_without_end_is_refused():
    notes = PngInfo()
    notes.add_text("bomb", "x" * 90_000_000, zip=True)
    data = encoded("PNG", pnginfo=notes)
    assert len(data) < 200_000
    with pytest.raises(PictureRefused):
        reencode(data, max_side=100)


def test_a_picture_larger_than_its_cap_is_refused(serve):
    with pytest.raises(PictureRefused, match="larger"):
        fetch(serve(reply(JPEG + b"\0" * 2000)), cap_bytes=1500)


@pytest.mark.parametrize("status", [204, 403, 404, 410, 429, 500, 503])
def test_a_picture_that_is_not_there_may_come_later(serve, status):
    with pytest.raises(PictureUnavailable):
        fetch(serve(reply(JPEG, status)))


@pytest.mark.parametrize("step", [hang(), reset, drip(JPEG, start=b"HTTP/1.1 200 X\r\n\r\n")])
def test_trouble_on_the_way_is_passing(serve, step):
    with pytest.raises(PictureUnavailable):
        fetch(serve(step), deadline_seconds=1)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1", "I;16"])
def test_each_kind_of_png_becomes_a_jpeg(mode):
    data = encoded("PNG", mode=mode, color=0)
    with Image.open(io.BytesIO(reencode(data, max_side=100))) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (40, 20))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_made_small_enough_and_never_larger(kind):
    with Image.open(io.BytesIO(reencode(encoded(kind, (800, 400)), max_side=100))) as image:
        assert image.size == (100, 50)
    with Image.open(io.BytesIO(reencode(encoded(kind, (8, 4)), max_side=100))) as image:
        assert image.size == (8, 4)


def test_a_qr_code_stays_a_png():
    with Image.open(
        io.BytesIO(reencode(encoded("PNG", mode="1", color=1), max_side=400, as_png=True))
    ) as image:
        assert (image.format, image.size) == ("PNG", (40, 20))


def test_clear_parts_become_white():
    with Image.open(
        io.BytesIO(reencode(encoded("PNG", mode="RGBA", color=(0, 0, 0, 0)), max_side=100))
    ) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("as_png", [False, True])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_of_the_original_but_its_pixels_is_left(kind, as_png):
    exif = Image.Exif()
    exif[0x010E] = "CANARY described"
    exif[0x8825] = {1: "N"}
    options = {"exif": exif, "icc_profile": b"CANARY profile" * 20, "comment": b"CANARY comment"}
    if kind == "PNG":
        notes = PngInfo()
        notes.add_text("note", "CANARY text")
        options = {"exif": exif, "icc_profile": b"CANARY profile" * 20, "pnginfo": notes}
    data = encoded(kind, **options) + b"CANARY<script>alert(1)</script>"
    assert b"CANARY" in data
    drawn = reencode(data, max_side=100, as_png=as_png)
    assert b"CANARY" not in drawn
    with Image.open(io.BytesIO(drawn)) as image:
        assert dict(image.getexif()) == {}
        assert not {"icc_profile", "comment", "exif", "note"} & set(image.info)


def test_a_picture_is_turned_as_its_orientation_says():
    upright = Image.new("RGB", (40, 20), "white")
    upright.paste("black", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    out = io.BytesIO()
    upright.save(out, "JPEG", exif=exif, quality=95)
    with Image.open(io.BytesIO(reencode(out.getvalue(), max_side=100))) as image:
        assert image.size == (20, 40)
        assert image.getpixel((10, 4))[0] < 60
        assert image.getpixel((10, 35))[0] > 200


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_half_a_picture_is_refused_when_it_is_drawn(cut):
    noise = Image.effect_noise((200, 200), 80)
    out = io.BytesIO()
    noise.save(out, "JPEG")
    whole = out.getvalue()
    with pytest.raises(PictureRefused):
        reencode(whole[: int(len(whole) * cut)], max_side=100)
