"""Records who signs in and out, and who fails to. Heard from Django's own signals, which allauth sends through."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.dispatch import receiver
from django.http import HttpRequest

from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import Actor
from portal.audit.trail import About, By
from portal.web.where import current_request


@receiver(user_logged_in, dispatch_uid="audit.signed_in")
def signed_in(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """A person signed in."""
    trail.record("person.sign_in", By.person(user), _about(user), outcome="succeeded")


@receiver(user_logged_out, dispatch_uid="audit.signed_out")
def signed_out(request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    """A person signed out; a session that had already ended belongs to nobody."""
    if user is not None:
        trail.record("person.sign_out", By.person(user), _about(user))


@receiver(user_login_failed, dispatch_uid="audit.sign_in_failed")
def sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Somebody tried to sign in and could not."""
    where = current_request.get()
    by = By(
        Actor.VISITOR,
        name=_tried(credentials),
        address=where.address,
        user_agent=where.user_agent,
        request_id=where.request_id,
    )
    trail.record("person.sign_in_failed", by, outcome="refused")


def _about(user: User) -> About:
    return About(kind="person", id=user.public_id, name=user.email)


def _tried(credentials: dict[str, Any]) -> str:
    """The address that was tried. Anything else is not kept: it may be a password in the wrong field."""
    text = str(credentials.get("email") or credentials.get("username") or "").strip()
    try:
        validate_email(text)
    except ValidationError:
        return ""
    return text.lower()
