"""Fixtures for the client alone, against servers that the test writes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portal.upstream.client import Client, StaticToken
from portal.upstream.errors import SignInLost
from tests.upstream.peers import Peer, Step

TOKEN = "token-CANARY-1"
FRESH_TOKEN = "token-CANARY-2"


class RenewableToken:
    """Renews once, as a sign-in that is good for one more token does."""

    def __init__(self) -> None:
        self.renewals: list[str] = []

    def current(self) -> str:
        return FRESH_TOKEN if self.renewals else TOKEN

    def renew(self, refused: str) -> str:
        if self.renewals:
            raise SignInLost("no more")
        self.renewals.append(refused)
        return FRESH_TOKEN


@pytest.fixture
def serve() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def start(*steps: Step, **options: Any) -> Peer:
        peers.append(Peer(list(steps), **options))
        return peers[-1]

    yield start
    for peer in peers:
        peer.stop()


@pytest.fixture
def client_of() -> Callable[..., Client]:
    def make(url: str | Peer, tokens: Any = None, **options: Any) -> Client:
        address = url.url if isinstance(url, Peer) else url
        return Client(address, tokens or StaticToken(TOKEN), **options)

    return make
