"""What is known of the web request being answered; the audit trail keeps it."""

from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True)
class Where:
    """The address a request came from, the browser's name for itself, and the request's id."""

    address: str = ""
    user_agent: str = ""
    request_id: str = ""


current_request: ContextVar[Where] = ContextVar("current_request", default=Where())  # noqa: B039 (frozen)


def client_address(request: HttpRequest) -> str:
    """The visitor's address: the one our outermost trusted proxy saw, else the peer's own.

    A forwarded header counts only as far as ``TRUSTED_PROXY_COUNT`` proxies wrote it; the rest is hearsay.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    if not settings.TRUSTED_PROXY_COUNT:
        return peer[:64]
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    return (hops[-settings.TRUSTED_PROXY_COUNT] if len(hops) >= settings.TRUSTED_PROXY_COUNT else peer)[:64]
