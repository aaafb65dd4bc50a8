"""The HTTP server: what arrives is checked, journaled, carried out, and answered, in this order."""

import re
import sys
import threading
from dataclasses import fields, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import answers, delivery, oauth, pictures
from .answers import Answer
from .caller import Caller
from .commands import execute, goes_by_rows
from .control import control
from .derive import CANARY
from .faults import Fault, Faults
from .journal import Journal
from .rows import signature
from .wire import (
    AUTHORIZE_PATH,
    COMMANDS_PATH,
    TOKEN_PATH,
    Refused,
    accounts_named,
    bearer,
    check,
    check_headers,
    read,
)
from .world import BATCHES, Settings, World

LONGEST_BODY = 1_000_000
LENGTH = re.compile(r"[0-9]{1,9}")
PICTURE = re.compile(r"/pictures/(captures|thumbnails)/([0-9a-f]{1,12}-[0-9a-f]{12})\.jpg")
QR_CODE = re.compile(rf"/pictures/qr/({CANARY}[0-9a-f]+)\.png")


class Simulator(ThreadingHTTPServer):
    """The world with its journal and its faults, reachable over HTTP. ``settings`` are those of a reset."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(
        self, address: tuple[str, int], settings: Settings, saved: dict[str, Any] | None = None
    ) -> None:
        self.settings = settings
        self.world = World(Settings(**saved["settings"]) if saved else settings, saved)
        self.journal = Journal(saved["journal"] if saved else None)
        self.faults = Faults()
        self.released = threading.Event()
        super().__init__(address, Handler)

    def reset(self, changes: dict[str, Any]) -> None:
        """Another first day. Raises ValueError when a setting is unknown."""
        unknown = set(changes) - {each.name for each in fields(Settings)}
        if unknown:
            raise ValueError(f"there is no setting {unknown.pop()}")
        if changes.get("batches", BATCHES[0]) not in BATCHES:
            raise ValueError(f"batches is one of {', '.join(BATCHES)}")
        world = World(replace(self.settings, **changes))
        self.world.closed.set()
        self.faults.clear()
        self.release()
        self.world = world
        self.journal.clear()

    def release(self) -> None:
        """End the faults that are being suffered now."""
        self.released.set()
        self.released = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that go away in the middle are no news; anything else is printed, as always."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive as HTTP/1.1 has it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 75
    server: Simulator

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The journal is the log."""

    def route(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not LENGTH.fullmatch(length) or int(length) > LONGEST_BODY or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.refuse_request(
                Refused("length_required", "The body needs a Content-Length of at most 1 MB", 411)
            )
            return
        try:
            split = urlsplit(self.path)
        except ValueError:
            split = urlsplit("/")
        body = self.rfile.read(int(length))
        if split.path.startswith("/_simulator/"):
            self.answer_control(split.path.removeprefix("/_simulator/"), dict(parse_qsl(split.query)), body)
        elif split.path == COMMANDS_PATH:
            self.answer_command(split.query, body)
        elif split.path == TOKEN_PATH:
            self.answer_token(split.query, body)
        elif split.path == AUTHORIZE_PATH:
            self.answer_authorize(split.query, body)
        elif split.path.startswith("/pictures/"):
            self.answer_picture(split.path, dict(parse_qsl(split.query)))
        else:
            self.refuse_request(Refused("not_found", "There is nothing at this address", 404))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = route  # noqa: N815

    def answer_command(self, query: str, body: bytes) -> None:
        server, world = self.server, self.server.world
        released = server.released
        found, trouble = read(body)
        row = self.journal_row(found)
        name = row["command"]
        try:
            if self.command != "POST":
                raise Refused("method_not_allowed", "Commands are sent by POST", 405)
            if query:
                raise Refused("invalid_request", "The address takes no query string", 400)
            check_headers(self.headers)
            account_id = world.tokens.account(bearer(self.headers), world.now())
            if not account_id:
                raise Refused("token_expired", "The access token is not valid or has expired", 401)
            server.journal.note(row, authorized=True, account_id=account_id)
            if trouble:
                raise Refused("invalid_json", f"The body is not JSON: {trouble}")
            request = check(found)
        except Refused as error:
            self.refuse(error, row, name)
            return
        fault = server.faults.take(name, row["residence_id"], accounts_named(request.param))
        caller = Caller(world, account_id, self.base_url())
        if fault:
            server.journal.note(row, fault=fault.kind)
            if fault.kind == "latency":
                released.wait(fault.seconds)
            if fault.kind == "refuse" and fault.account_id and goes_by_rows(request, world.settings.batches):
                no = Refused(fault.code or "refused", fault.words or "The upstream refuses", 400)
                caller, fault = replace(caller, refuses={fault.account_id: no}), None
        answer = Answer(200, b'{"success":true,"timestamp":1,"result":{}}')
        if fault is None or fault.executes:
            try:
                result = execute(caller, request)
                answer = answers.success(result, world.now())
                server.journal.note(row, executed=True, status=200)
            except Refused as error:
                answer = answers.refusal(error, world.now(), seed=world.settings.seed, command=name)
                said = f"{error.code}: {error.words}"
                server.journal.note(row, executed=error.did_some, status=answer.status, refused=said)
        self.deliver(answer, fault, row, released)

    def answer_token(self, query: str, body: bytes) -> None:
        server, world = self.server, self.server.world
        released = server.released
        row = self.journal_row({"command": "oauth2/token"})
        fault = server.faults.take("oauth2/token")
        if fault:
            server.journal.note(row, fault=fault.kind)
            if fault.kind == "latency":
                released.wait(fault.seconds)
        answer = Answer(200, b'{"success":true,"timestamp":1,"result":{}}')
        try:
            if self.command != "POST" or query:
                raise Refused("method_not_allowed", "Tokens are asked for by POST, without a query", 405)
            form = oauth.read_form(self.headers, body)
            # The journal shows how a token was asked for; the secrets in it are canaries like all others.
            server.journal.note(row, param=form)
            if fault is None or fault.executes:
                with world.lock:
                    answer = answers.success(oauth.give_tokens(world, form), world.now())
                server.journal.note(row, authorized=True, executed=True, status=200)
        except Refused as error:
            self.refuse(error, row, "oauth2/token", shape=0)
            return
        self.deliver(answer, fault, row, released)

    def answer_authorize(self, query: str, body: bytes) -> None:
        """The page by GET, the browser's way back by POST."""
        server = self.server
        row = self.journal_row({"command": "oauth2/auth"})
        try:
            if self.command == "GET":
                told = Answer(200, oauth.ask(server.world, query).encode(), "text/html; charset=utf-8")
                told.headers["Referrer-Policy"] = "no-referrer"
            elif self.command == "POST":
                fault = server.faults.take("oauth2/auth")
                form = oauth.read_form(self.headers, body)
                location = oauth.send_back(server.world, query, form, says_no=fault is not None)
                told = answers.page(302, "Back to where you came from")
                told.headers["Location"] = location
            else:
                raise Refused("method_not_allowed", "Browsers come by GET, and send the form by POST", 405)
        except Refused as error:
            told = answers.page(error.status, error.words)
            server.journal.note(row, status=told.status, refused=f"{error.code}: {error.words}")
            delivery.send(self, told)
            return
        server.journal.note(row, authorized=True, executed=told.status == 302, status=told.status)
        delivery.send(self, told)

    def answer_picture(self, path: str, query: dict[str, str]) -> None:
        """A picture for whoever has the address that a command told, whatever turn its query is of."""
        server, world = self.server, self.server.world
        released = server.released
        row = self.journal_row({"command": "pictures"})
        fault = server.faults.take("pictures")
        answer = answers.page(404, "There is no such picture")
        if query.get("signature") != signature(world, path, query.get("turn", "")):
            answer = answers.page(403, "The signature does not match")
        elif found := PICTURE.fullmatch(path):
            drawn = pictures.capture(found[2], is_thumbnail=found[1] == "thumbnails")
            answer = Answer(200, drawn, "image/jpeg")
        elif found := QR_CODE.fullmatch(path):
            digits = world.digits_of(found[1])
            if digits:
                answer = Answer(200, pictures.qr_code(digits), "image/png")
        server.journal.note(row, status=answer.status, executed=answer.status == 200)
        if fault:
            server.journal.note(row, fault=fault.kind)
            if fault.kind == "latency":
                released.wait(fault.seconds)
        self.deliver(answer, fault, row, released)

    def answer_control(self, name: str, query: dict[str, str], body: bytes) -> None:
        if name == "trap":
            # Whoever follows a redirect of a command comes here, and is told that all is well.
            self.server.journal.note(self.journal_row(read(body)[0]), executed=False, status=200)
            delivery.send(self, answers.success({}, self.server.world.now()))
            return
        try:
            found = control(self.server, self.command, name, query, body)
        except KeyError as error:
            delivery.send(self, answers.page(404, f"There is no {error}"))
        except (ValueError, TypeError) as error:
            delivery.send(self, answers.page(400, str(error)))
        else:
            delivery.send(self, answers.plain(found))

    def deliver(
        self, answer: Answer, fault: Fault | None, row: dict[str, Any], released: threading.Event
    ) -> None:
        if fault is None or fault.kind == "latency":
            delivery.send(self, answer)
            return
        journal = self.server.journal
        delivery.send_with_fault(
            self, fault, answer, row["command"], released, lambda status: journal.note(row, status=status)
        )

    def refuse(self, error: Refused, row: dict[str, Any], command: str, shape: int | None = None) -> None:
        world = self.server.world
        seed = world.settings.seed
        answer = answers.refusal(error, world.now(), seed=seed, command=command, shape=shape)
        self.server.journal.note(row, status=answer.status, refused=f"{error.code}: {error.words}")
        delivery.send(self, answer)

    def refuse_request(self, error: Refused) -> None:
        row = self.journal_row(None)
        self.server.journal.note(row, status=error.status, refused=f"{error.code}: {error.words}")
        delivery.send(self, answers.page(error.status, error.words))

    def journal_row(self, found: Any) -> dict[str, Any]:
        """A new row with as much of the request as can be read."""
        told = found if isinstance(found, dict) else {}
        param = told.get("param")
        residence_id = param.get("residence_id", "") if isinstance(param, dict) else ""
        return self.server.journal.open(
            at=self.server.world.now(),
            method=self.command,
            path=self.path,
            command=_text(told.get("command")),
            id=_text(told.get("id")),
            param=param,
            residence_id=_text(residence_id),
            cookie="Cookie" in self.headers,
        )

    def base_url(self) -> str:
        """Where the caller reached us, so that it reaches the pictures there too."""
        host = self.headers.get("Host") or "{}:{}".format(*self.server.server_address[:2])
        return f"http://{host}"


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""
