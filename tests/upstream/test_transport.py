"""One exchange: its deadline, and the moment of sending."""

import contextlib
import datetime
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from portal.upstream.errors import NotSent, OutcomeUnknown
from tests.upstream.peers import drip, hang, reply, success
from tests.upstream.test_retrying import CREATE

# Promised is the deadline and half a second; a busy machine gets more before a test fails.
SLACK_SECONDS = 5
OK = success()


def press(client, **options):
    return client.call(*CREATE, **options)


def seconds_until(error, client, command=CREATE) -> float:
    started = time.monotonic()
    with pytest.raises(error):
        client.call(*command)
    return time.monotonic() - started


SLOW = {
    "body": drip(b"x" * 500, start=b"HTTP/1.1 200 X\r\nContent-Length: 500\r\n\r\n"),
    "headers": drip(b"X-A: b\r\n" * 60, start=b"HTTP/1.1 200 X\r\n"),
    "status line": drip(b"HTTP/1.1 200 " + b"X" * 500),
    "chunks": drip(b"1\r\nx\r\n" * 100, start=b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "100 continue": drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 30, every_seconds=0.02),
    "nothing": hang(),
}


@pytest.mark.parametrize("slow", SLOW)
def test_an_answer_that_drips_is_left_at_the_deadline_and_unknown(serve, client_of, slow):
    took = seconds_until(OutcomeUnknown, client_of(serve(SLOW[slow]), deadline_seconds=1))
    assert 0.9 < took < 1 + SLACK_SECONDS


@contextlib.contextmanager
def listener_of(serve_one) -> Iterator[int]:
    """A port whose connections are given to ``serve_one``."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(sock,), daemon=True).start()

        def handle(sock: socket.socket) -> None:
            with sock, contextlib.suppress(OSError, ValueError):
                serve_one(sock, stop)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        stop.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def test_a_tls_handshake_that_stalls_is_not_sent(client_of):
    with listener_of(lambda sock, stop: stop.wait(30)) as port:
        took = seconds_until(NotSent, client_of(f"https://127.0.0.1:{port}", deadline_seconds=1))
    assert took < 1 + SLACK_SECONDS


def test_a_tls_handshake_that_drips_is_not_sent(client_of):
    def drip_handshake(sock: socket.socket, stop: threading.Event) -> None:
        sock.recv(4096)
        sock.sendall(b"\x16\x03\x03\x40\x00")  # a handshake record of 16 kB
        while not stop.wait(0.1):
            sock.sendall(b"\x02")

    with listener_of(drip_handshake) as port:
        took = seconds_until(NotSent, client_of(f"https://127.0.0.1:{port}", deadline_seconds=1))
    assert took < 1 + SLACK_SECONDS


def test_what_does_not_speak_tls_is_not_sent(serve, client_of):
    peer = serve(OK)
    with pytest.raises(NotSent, match="not sent"):
        press(client_of(f"https://127.0.0.1:{peer.port}", deadline_seconds=1))
    assert all(request.header("Authorization") is None for request in peer.requests)


def self_signed(folder) -> ssl.SSLContext:
    """A server's context whose certificate, for localhost alone, stands in ``folder``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


def test_a_certificate_nobody_vouches_for_is_not_sent_to(serve, client_of, tmp_path, monkeypatch):
    context = self_signed(tmp_path)
    # Neither do these turn verification off.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    peer = serve(OK, wrap=lambda sock: context.wrap_socket(sock, server_side=True))
    with pytest.raises(NotSent, match="certificate is not accepted"):
        press(client_of(f"https://127.0.0.1:{peer.port}"))
    assert peer.connections == 2
    assert peer.requests == []


TRUSTING = """
import sys, certifi
certifi.where = lambda: sys.argv[1]
from portal.upstream.client import Client, StaticToken
from portal.upstream.errors import NotSent

param = {"residence_id": "r", "mac": "m", "relay_id": "d"}
for host in ("localhost", "127.0.0.1"):
    client = Client(f"https://{host}:{sys.argv[2]}", StaticToken("t"))
    try:
        client.call("trigger_akuvox_remote_open_door", param, once=True)
        print("sent")
    except NotSent as error:
        print(error)
"""


def test_a_vouched_for_certificate_is_sent_to_under_its_own_name_only(serve, tmp_path):
    context = self_signed(tmp_path)
    peer = serve(OK, wrap=lambda sock: context.wrap_socket(sock, server_side=True))
    words = [sys.executable, "-c", TRUSTING, str(tmp_path / "certificate.pem"), str(peer.port)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60, env=environment)
    first, second = done.stdout.splitlines()
    assert first == "sent"
    assert "not sent: the certificate is not accepted: IP address mismatch" in second
    assert len(peer.requests) == 1


def test_a_full_backlog_is_not_sent(client_of):
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        time.sleep(0.1)
        client = client_of(f"http://127.0.0.1:{listener.getsockname()[1]}", deadline_seconds=1)
        assert seconds_until(NotSent, client) < 1 + SLACK_SECONDS


def test_a_name_that_does_not_resolve_is_not_sent(client_of, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotSent, match="the name cannot be resolved"):
        press(client_of("http://upstream.example"))


def test_a_resolver_that_hangs_is_left_at_the_deadline(client_of, monkeypatch):
    over, real = threading.Event(), socket.getaddrinfo

    def hanging(host, port, *args, flags=0, **kwargs):
        if flags & socket.AI_NUMERICHOST:
            return real(host, port, *args, flags=flags, **kwargs)
        over.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    try:
        assert (
            seconds_until(NotSent, client_of("http://upstream.example", deadline_seconds=1))
            < 1 + SLACK_SECONDS
        )
    finally:
        over.set()


def test_the_next_address_of_a_name_is_tried(serve, client_of, monkeypatch):
    peer, real = serve(OK), socket.getaddrinfo

    def two(host, port, *args, **kwargs):
        if host != "upstream.example":
            return real(host, port, *args, **kwargs)
        if kwargs.get("flags"):
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        closed = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))
        return [closed, *real("127.0.0.1", port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    press(client_of(f"http://upstream.example:{peer.port}"))
    assert len(peer.requests) == 1


def test_a_peer_that_never_reads_is_left_at_the_deadline(client_of):
    with listener_of(lambda sock, stop: stop.wait(30)) as port:
        client = client_of(f"http://127.0.0.1:{port}", deadline_seconds=3)
        name = "x" * 12_000_000  # more than the system's buffers hold
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            client.update_family_info(residence_id="r", family_name=name)
    assert time.monotonic() - started < 3 + SLACK_SECONDS


@pytest.mark.parametrize(
    "address",
    ["", "upstream.example", "ftp://upstream.example", "http://", "https://user:pw@127.0.0.1:1",
     "http://a b/", "http://[::1",
     "http://127.0.0.1:99999", "file:///etc/passwd"],
)  # fmt: skip
def test_an_address_that_is_none_is_not_sent_to(client_of, address):
    tries: list[str] = []
    with pytest.raises(NotSent) as caught:
        press(client_of(address, on_request=tries.append))
    assert len(tries) == 1, "trying again would end the same"
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(serve, client_of, status):
    trap = serve(OK)
    peer = serve(reply(b"", status, Location=trap.url))
    with pytest.raises(OutcomeUnknown):
        press(client_of(peer))
    assert (len(peer.requests), len(trap.requests)) == (1, 0)
