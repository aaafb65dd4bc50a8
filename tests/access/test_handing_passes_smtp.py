"""What a real conversation with a mail server comes to: taken, refused at any step, broken off, never begun."""

import socket
import threading

import pytest
from django.utils import timezone

from access.services.passes.mailing import Letter, MailNotPossible, mail_pass
from portal.audit.models import State
from tests.factories import ManagerFactory, TempKeyFactory

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = {
    "HELLO": "220 here",
    "EHLO": "250 here",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go",
    "END": "250 taken",
}


class MailServer:
    """Speaks just enough; ``said`` differs from GOOD where a test wants it to, None hangs up in place of an answer."""

    def __init__(self, **said):
        self.said = GOOD | said
        self.taken = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock, _address = self.listener.accept()
            except OSError:
                return
            with sock, sock.makefile("rb") as lines:
                self._talk(sock, lines)

    def _talk(self, sock, lines):
        if not self._say(sock, "HELLO"):
            return
        for line in lines:
            verb = line[:4].decode().strip().upper()
            if verb in {"QUIT", "RSET"}:
                sock.sendall(b"250 ok\r\n")
                continue
            if not self._say(sock, verb):
                return
            if verb == "DATA" and self.said["DATA"].startswith("354"):
                text = b""
                for part in lines:
                    if part == b".\r\n":
                        break
                    text += part
                self.taken.append(text)
                if not self._say(sock, "END"):
                    return

    def _say(self, sock, verb):
        words = self.said[verb]
        if words is not None:
            sock.sendall(words.encode() + b"\r\n")
        return words is not None


@pytest.fixture
def sent(settings):
    """Send a mail over a server that says so; what came of it, and what the server took."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER, settings.EMAIL_USE_TLS = "127.0.0.1", "", False
    settings.EMAIL_USE_SSL, settings.EMAIL_TIMEOUT = False, 3
    person, servers = ManagerFactory(name="Ana Prado", email="ana@riverside.example"), []

    def send(subject="Your pass", **said):
        server = MailServer(**said)
        servers.append(server)
        settings.EMAIL_PORT = server.port
        letter = Letter("rui@visitor.example", subject, "Hello,", "none")
        key = TempKeyFactory(ends_at=timezone.now() + timezone.timedelta(hours=1))
        return mail_pass(person, key=key, letter=letter, press=f"press-{len(servers)}"), server.taken

    yield send
    for server in servers:
        server.listener.close()


def test_one_that_is_taken_is_sent_with_head_and_both_bodies(sent):
    mailed, [taken] = sent(subject="Tomorrow: Núñez")
    assert mailed.state == State.SUCCEEDED
    assert b"To: rui@visitor.example\r\n" in taken
    assert b"Reply-To: ana@riverside.example\r\n" in taken
    assert taken.count(b"\r\nSubject: ") == 1
    assert b"text/plain" in taken
    assert b"text/html" in taken


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "END"])
def test_a_no_at_any_step_is_a_refusal(sent, step):
    mailed, _taken = sent(**{step: "550 not here"})
    assert mailed.state == State.REFUSED
    assert "550" in mailed.words
    assert "not here" not in mailed.words


@pytest.mark.parametrize("step", ["DATA", "END"])
def test_one_that_breaks_off_is_unknown(sent, step):
    mailed, _taken = sent(**{step: None})
    assert mailed.state == State.UNKNOWN


@pytest.mark.parametrize("said", [{"HELLO": None}, {"HELLO": "554 no"}])
def test_a_server_that_does_not_begin_is_not_sent_to(sent, said):
    with pytest.raises(MailNotPossible):
        sent(**said)
