"""Who may ask for a view, and how: said beside the view, and walked by a test."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Policy:
    """The roles and methods of a view; an empty set of roles means anybody signed in."""

    roles: frozenset[str]
    methods: frozenset[str]


def policy(*roles: str, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """Let only people of these roles through (403 for others), and only these methods (405)."""
    stated = Policy(frozenset(roles), frozenset({*methods, *(["HEAD"] if "GET" in methods else [])}))

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if stated.roles and getattr(request.user, "role", None) not in stated.roles:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        checked = require_http_methods(sorted(stated.methods))(guarded)
        checked.policy = stated  # type: ignore[attr-defined]
        return checked

    return decorate
