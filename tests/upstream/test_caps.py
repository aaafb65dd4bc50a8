"""Answers without end, packed answers and answers of too many rows: what they may cost in memory."""

import gzip
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from portal.upstream.errors import OutcomeUnknown
from tests.upstream.peers import Peer, reply, stream, success
from tests.upstream.test_transport import seconds_until


def endless(start: bytes, piece: bytes):
    def pieces():
        while True:
            yield piece

    return stream(start, pieces())


HEAD = b"HTTP/1.1 %d X\r\nLocation: http://127.0.0.1:1/\r\n%s\r\n"
ENDLESS = {
    "body": endless(HEAD % (200, b"Connection: close\r\n"), b"x" * 65_536),
    "body of a redirect": endless(HEAD % (302, b"Connection: close\r\n"), b"x" * 65_536),
    "body of a refusal": endless(HEAD % (400, b"Connection: close\r\n"), b"x" * 65_536),
    "chunks": endless(HEAD % (200, b"Transfer-Encoding: chunked\r\n"), b"1000\r\n" + b"x" * 4096 + b"\r\n"),
    "one chunk": endless(HEAD % (200, b"Transfer-Encoding: chunked\r\n") + b"fffffffffff\r\n", b"x" * 65_536),
    "chunk size": endless(HEAD % (200, b"Transfer-Encoding: chunked\r\n"), b"0" * 65_536),
    "trailers": endless(HEAD % (200, b"Transfer-Encoding: chunked\r\n") + b"0\r\n", b"a: b\r\n" * 10_000),
    "header line": endless(b"HTTP/1.1 200 X\r\nX: ", b"x" * 65_536),
    "headers": endless(b"HTTP/1.1 200 X\r\n", b"X: x\r\n" * 10_000),
    "announced": endless(HEAD % (200, b"Content-Length: 99999999999\r\n"), b"x" * 65_536),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_an_endless_answer_is_left_at_its_cap_long_before_the_deadline(serve, client_of, what):
    assert seconds_until(OutcomeUnknown, client_of(serve(ENDLESS[what]), deadline_seconds=60)) < 20


def test_an_answer_just_under_the_cap_is_read_whole(serve, client_of):
    name = "n" * 900_000
    peer = serve(success({"family_name": name, "accounts": []}))
    assert client_of(peer).get_family_info(residence_id="r").result.family_name == name


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """300 MB of blanks within an envelope, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b'{"success": true, "result": [')]
    parts += [packer.compress(b" " * 1_000_000) for _ in range(300)]
    parts += [packer.compress(b"]}"), packer.flush()]
    return b"".join(parts)


def test_a_packed_answer_is_unpacked(serve, client_of):
    body = gzip.compress(success([]).partition(b"\r\n\r\n")[2])
    assert client_of(serve(reply(body, Content_Encoding="gzip"))).get_family_list().result == []


MEASURE = """
import sys
from portal.upstream.client import Client, StaticToken
from portal.upstream.errors import UpstreamError

def peak_kilobytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

client = Client(sys.argv[1], StaticToken("t"), deadline_seconds=60)
try:
    client.call(sys.argv[2], {"residence_id": "r"}, once=True).result  # what is needed once is there
except UpstreamError:
    pass
before = peak_kilobytes()
try:
    answer = client.call(sys.argv[3], {} if "list" in sys.argv[3] else {"residence_id": "r"}, once=True)
    said = f"{len(answer.result or ())} rows, {len(answer.unread)} named"
except UpstreamError as error:
    said = type(error).__name__ + ": " + str(error)
print((peak_kilobytes() - before) // 1000, said)
"""


def megabytes_for(peer: Peer, warm_up: str, command: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, peer.url, warm_up, command],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    size, _, said = done.stdout.strip().partition(" ")
    print(f"+{size} MB: {said}")
    return int(size), said


FACE, OPENINGS, CALLS = (
    "get_akuvox_face_file_info",
    "get_akuvox_open_door_history",
    "get_akuvox_call_history",
)


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
@pytest.mark.parametrize(("command", "most"), [(FACE, 20), (OPENINGS, 80)])
def test_a_gzip_bomb_eats_no_memory(serve, bomb, command, most, encoding):
    packed = gzip.compress(bomb) if "," in encoding else bomb
    peer = serve(success({"is_uploaded": True}), reply(packed, Content_Encoding=encoding))
    size, said = megabytes_for(peer, FACE, command)
    assert "larger than" in said
    assert size < most


FULL_ROW = (
    '{"open_door": true, "account_name": "tom %06d", "device_name": "R29 %06d", "capture_thumbnail_url": '
    '"https://test.akubela.com/%06d.jpg", "open_door_type": "face %06d", "capture_picture_url": '
    '"https://test.akubela.com/%06d.jpg", "open_door_time": "2020-05-18 %06d"}'
)


def of_size(rows: list[str], size: int) -> str:
    text, total = [], 0
    while total < size:
        row = rows[len(text) % len(rows)]
        text.append(row)
        total += len(row) + 1
    return '{"success": true, "result": [' + ",".join(text) + "]}"


HOSTILE = {
    "full rows": (OPENINGS, of_size([FULL_ROW % ((n,) * 6) for n in range(80_000)], 19_800_000)),
    "empty objects": (OPENINGS, of_size(["{}"], 19_000_000)),
    "numbers": (OPENINGS, of_size(["1"], 19_000_000)),
    "nulls": (CALLS, of_size(["null"], 19_000_000)),
    "empty lists": (CALLS, of_size(["[]"], 19_000_000)),
    "short rows": (CALLS, of_size(['{"call_time":"1"}'], 19_000_000)),
    "wide rows": (CALLS, of_size(['{"a":1' + ',"a":1' * 30 + "}"], 19_000_000)),
    "many fields": (
        CALLS,
        '{"success": true, "result": {' + ",".join(f'"{n}":1' for n in range(1_500_000)) + "}}",
    ),
    "deep": (CALLS, '{"success": true, "result": ' + "[" * 9_000_000 + "]" * 9_000_000 + "}"),
    "NULs": (CALLS, '{"success": true, "result": [{"call_name": "' + "\\u0000" * 3_000_000 + '"}]}'),
    "bad UTF-8": (
        CALLS,
        b'{"success": true, "result": [{"call_name": "'
        + b"\xff" * 6_000_000
        + "👪".encode() * 200_000
        + b'"}]}',
    ),
    "emoji": (CALLS, '{"success": true, "result": [{"call_name": "' + "👪" * 4_000_000 + '"}]}'),
    "a refusal": (CALLS, '{"success": false, ' + ",".join(f'"{n}":1' for n in range(1_500_000)) + "}"),
    "a command's rows": ("get_family_list", of_size(["{}"], 990_000)),
    "a command's fields": (
        FACE,
        '{"success": true, "result": {' + ",".join(f'"{n}":1' for n in range(90_000)) + "}}",
    ),
    "a write's fields": (
        "delete_akuvox_face_file_info",
        '{"success": true, "result": {' + ",".join(f'"{n}":1' for n in range(90_000)) + "}}",
    ),
    "wrong fields": (OPENINGS, of_size(['{"open_door": 1, "x": "' + "y" * 200 + '"}'], 19_000_000)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_answer_within_its_cap_eats_no_memory(serve, what):
    command, body = HOSTILE[what]
    size, said = megabytes_for(serve(success({"is_uploaded": True}), reply(body)), FACE, command)
    assert size < (80 if command in (OPENINGS, CALLS) else 20), said
    if what == "full rows":
        assert re.match(r"\d{5} rows, 0 named", said)
