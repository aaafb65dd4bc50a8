"""What pictures cost in memory, whatever they say they are: measured in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000

# What each process does first, so that only what comes afterwards is counted.
BEGIN = """
import io, struct, threading, warnings, zlib
from pathlib import Path
from PIL import Image
from portal.upstream.pictures import MOST_PIXELS, PictureRefused, reencode

# As where the portal runs: there a warning stops nothing.
warnings.simplefilter("ignore")


def peak():
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(rows)) + packer.flush()
    return b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def encoded(kind, size):
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return bytearray(out.getvalue())


def jpeg(width, height):
    data = encoded("JPEG", (16, 16))
    place = data.index(b"\\xff\\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def refused(data):
    try:
        reencode(data, max_side=1280)
    except PictureRefused:
        return
    raise AssertionError("it was drawn")


for kind in ("JPEG", "PNG", "WEBP"):
    reencode(bytes(encoded(kind, (640, 360))), max_side=1280)
"""

FLOODS = {
    "png": "png(50_000, 50_000, 200)",
    "png whose rows are all there": "png(12_000, 12_000, 12_000)",
    "jpeg": "jpeg(50_000, 50_000)",
    "webp": "bytes(encoded('WEBP', (3_500, 3_500)))",
    "noise": "b'\\xff\\xd8\\xff\\xe0' + bytes(range(256)) * 30_000",
}


def grown_by(script: str) -> int:
    """By how much the most memory that the process ever had grew, in bytes."""
    words = [sys.executable, "-c", BEGIN + script]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_pixels_is_refused_without_room_for_it(name):
    grown = grown_by(
        f"data = {FLOODS[name]}\nbefore = peak()\nfor _ in range(5): refused(data)\nprint(peak() - before)"
    )
    assert grown < 3 * MEGABYTE


def test_the_largest_that_is_drawn_takes_room_once_however_many_come_at_once():
    grown = grown_by(
        """
data = png(3_000, MOST_PIXELS // 3_000, MOST_PIXELS // 3_000)
before = peak()
threads = [threading.Thread(target=reencode, args=(data,), kwargs={"max_side": 1280}) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(peak() - before)
"""
    )
    assert 10 * MEGABYTE < grown < 100 * MEGABYTE
