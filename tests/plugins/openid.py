"""A company's OpenID Connect provider over HTTP, in a thread of its own: it keeps to the protocol, or breaks it where told."""

import base64
import hashlib
import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

CLIENT_ID = "gatehouse at the company"
CLIENT_SECRET = "a secret: with % signs"
DISCOVERY = "/.well-known/openid-configuration"


class Provider:
    """A provider at which ``person`` is signed in: their claims are what it vouches for.

    ``faults`` maps a path to a function that answers in its place (see ``hang``, ``drip``, ``answer``). ``forge``
    changes a token before it is signed. ``journal`` holds the paths asked for, in their order.
    """

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"sub": "ada-1", "email": "ada@company.example", "email_verified": True}
        self.userinfo: dict[str, Any] | None = None
        self.forge: Callable[[dict[str, Any]], None] = lambda claims: None
        self.extra: dict[str, Any] = {}
        self.faults: dict[str, Callable[[Any], None]] = {}
        self.journal: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.algorithm = "ES256"
        self.released = threading.Event()
        # A port is used again, and with it the address by which keys are remembered.
        self.new_key(secrets.token_hex(4))
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                provider.handle(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                provider.handle(self, {name: values[0] for name, values in parse_qs(body).items()})

            def log_message(self, *words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def new_key(self, name: str) -> None:
        """Sign with another key from now on; the old one is not named any more."""
        self.key_name, self.key = name, ec.generate_private_key(ec.SECP256R1())

    def stop(self) -> None:
        """Nobody answers any more at its address."""
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def visit(self, url: str) -> str:
        """What a browser does: asks for the address, and gives the one it is sent on to."""

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *words: Any) -> None:
                return None

        try:
            urllib.request.build_opener(Stay).open(url, timeout=10)
        except urllib.error.HTTPError as answer:
            with answer:
                return str(answer.headers["Location"])
        raise AssertionError("the provider sent nobody on")

    # What the handler answers.

    def handle(self, asked: Any, form: dict[str, str]) -> None:
        path = urlsplit(asked.path).path
        self.journal.append(path)
        if path in self.faults:
            self.faults[path](asked)
            return
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        routes: dict[str, Callable[[], None]] = {
            DISCOVERY: lambda: send(asked, 200, self.configuration()),
            "/authorize": lambda: self.authorize(asked, query),
            "/token": lambda: self.token(asked, form),
            "/userinfo": lambda: self.who(asked),
            "/keys": lambda: send(asked, 200, {"keys": [self.public_key()]}),
        }
        routes.get(path, lambda: send(asked, 404, {}))()

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?tenant=7",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.extra,
        }

    def public_key(self) -> dict[str, Any]:
        told = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        return {**told, "kid": self.key_name, "use": "sig", "alg": "ES256"}

    def authorize(self, asked: Any, query: dict[str, str]) -> None:
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(12)
        self.codes[code] = query
        send_on(asked, query["redirect_uri"], code=code, state=query["state"])

    def token(self, asked: Any, form: dict[str, str]) -> None:
        words = base64.b64encode(
            "{}:{}".format(*(urlencode({"": part})[1:] for part in (CLIENT_ID, CLIENT_SECRET))).encode()
        )
        if asked.headers.get("Authorization") != f"Basic {words.decode()}":
            send(asked, 401, {"error": "invalid_client"})
            return
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (
            begun is None
            or begun["redirect_uri"] != form["redirect_uri"]
            or begun["code_challenge"] != challenge.decode().rstrip("=")
        ):
            send(asked, 400, {"error": "invalid_grant"})
            return
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": begun["nonce"],
            **self.person,
        }
        self.forge(claims)
        token = jwt.encode(claims, self.key, self.algorithm, headers={"kid": self.key_name})
        send(asked, 200, {"access_token": "for-userinfo", "token_type": "Bearer", "id_token": token})

    def who(self, asked: Any) -> None:
        assert asked.headers["Authorization"] == "Bearer for-userinfo"
        send(asked, 200, self.userinfo or self.person)

    # Faults.

    def hang(self, asked: Any) -> None:
        """Take the request and say nothing."""
        asked.close_connection = True
        self.released.wait(30)

    def drip(self, asked: Any) -> None:
        """Answer a byte at a time, for ever."""
        asked.close_connection = True
        try:
            asked.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
            while not self.released.wait(0.2):
                asked.wfile.write(b" ")
        except OSError:
            pass


def answer(status: int, body: Any) -> Callable[[Any], None]:
    """A fault that answers this: bytes as they are, anything else as JSON."""
    return lambda asked: send(asked, status, body)


def send(asked: Any, status: int, body: Any) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked.send_response(status)
    asked.send_header("Content-Type", "application/json")
    asked.send_header("Content-Length", str(len(data)))
    asked.end_headers()
    asked.wfile.write(data)


def send_on(asked: Any, url: str, **query: str) -> None:
    asked.send_response(302)
    asked.send_header("Location", f"{url}?{urlencode(query)}")
    asked.send_header("Content-Length", "0")
    asked.end_headers()


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    """The company's provider, with Gatehouse set up to sign people in by it."""
    found = Provider()
    settings.OIDC_ISSUER = found.url
    settings.OIDC_NAME = "Example & Sons"
    settings.OIDC_CLIENT_ID = CLIENT_ID
    settings.OIDC_CLIENT_SECRET = CLIENT_SECRET
    yield found
    found.stop()
