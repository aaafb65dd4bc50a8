"""What is known of the web request being answered; the audit trail keeps it."""

import ipaddress
import re
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

# As proxies write a hop with its port: 203.0.113.9:5678, and IPv6 in brackets, with a port or without one.
_WITH_PORT = re.compile(r"\[([^]]+)](?::[0-9]+)?|([^:]+):[0-9]+")


@dataclass(frozen=True)
class Where:
    """The address a request came from, the browser's name for itself, and the request's id."""

    address: str = ""
    user_agent: str = ""
    request_id: str = ""


current_request: ContextVar[Where] = ContextVar("current_request", default=Where())  # noqa: B039 (frozen)


def client_address(request: HttpRequest) -> str:
    """The visitor's address: the one our outermost trusted proxy saw, else the peer's own.

    A forwarded header counts only as far as ``TRUSTED_PROXY_COUNT`` proxies wrote it; the rest is hearsay. A port
    is left out: each of them would be somebody else. What is no address is nobody's, and the peer's counts.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))[:64]
    if not settings.TRUSTED_PROXY_COUNT:
        return peer
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    if len(hops) < settings.TRUSTED_PROXY_COUNT:
        return peer
    return _address_of(hops[-settings.TRUSTED_PROXY_COUNT]) or peer


def _address_of(hop: str) -> str:
    """The address in what a proxy wrote; "" where there is none."""
    found = _WITH_PORT.fullmatch(hop)
    address = (found[1] or found[2]) if found else hop
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return ""
    return address[:64]
