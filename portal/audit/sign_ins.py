"""Records who signs in and out, and who fails to. Heard from Django's own signals, which allauth sends through."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from allauth.socialaccount.signals import social_account_added
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import DatabaseError
from django.dispatch import receiver
from django.http import HttpRequest

from portal.accounts import guessing
from portal.accounts.joining import joined
from portal.accounts.models import User
from portal.accounts.people import password_replaced
from portal.audit import trail
from portal.audit.chain import HeadNotKept
from portal.audit.models import Actor
from portal.audit.trail import About, AuditUnavailable, By
from portal.keys import KeyMissing
from portal.web.where import current_request

logger = logging.getLogger(__name__)

# So many failed sign-ins within a quarter of an hour have an entry each, of all accounts together.
LISTED_AT_MOST = 128


class SignInNotRecorded(AuditUnavailable):
    """That somebody signed in, or tried to, could not be written down: they are not signed in."""


@receiver(user_logged_in, dispatch_uid="audit.signed_in")
def signed_in(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """A person signed in; without a trail they do not: the session is thrown away, and SignInNotRecorded raised."""
    try:
        with _recorded():
            trail.record("person.sign_in", By.person(user), _about(user), outcome="succeeded")
    except SignInNotRecorded:
        if request is not None:
            request.user = AnonymousUser()
            # When the database takes nothing, it did not take the new session either.
            with suppress(DatabaseError):
                request.session.flush()
        raise


@receiver(joined, dispatch_uid="audit.joined")
def has_joined(person: User, way: str, **kwargs: Any) -> None:
    """A person took up their invitation; without a trail they do not: SignInNotRecorded ends the transaction."""
    with _recorded():
        trail.record("person.join", By.person(person), _about(person), parameters={"by": way})


@receiver(password_replaced, dispatch_uid="audit.password_replaced")
def has_new_password(user: User, **kwargs: Any) -> None:
    """Somebody chose a password by a link; without a trail they keep the old one: this ends the transaction."""
    with _recorded():
        trail.record("person.password", By.person(user), _about(user), parameters={"by": "link"})


@receiver(social_account_added, dispatch_uid="audit.openid_linked")
def openid_linked(sociallogin: Any, **kwargs: Any) -> None:
    """The company's provider vouched for a person for the first time: from now on its own name for them is theirs."""
    parameters = {"issuer": sociallogin.account.provider, "subject": sociallogin.account.uid}
    with _recorded():
        trail.record(
            "person.openid_link",
            By.person(sociallogin.user),
            _about(sociallogin.user),
            parameters=parameters,
        )


@receiver(user_logged_out, dispatch_uid="audit.signed_out")
def signed_out(request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    """A person signed out; a session that had already ended belongs to nobody."""
    if user is None:
        return
    try:
        trail.record("person.sign_out", By.person(user), _about(user))
    except HeadNotKept:
        # It is committed, and the next head covers it: nobody is kept signed in for that.
        logger.exception("the audit head could not be kept")


@receiver(user_login_failed, dispatch_uid="audit.sign_in_failed")
def sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Somebody tried to sign in and could not. Raises SignInNotRecorded, as for a right password.

    ``is_refused``: it was not even looked at, since there were too many tries. ``step``: which part was wrong, where
    the password was not. A flood is counted and told whenever its number has doubled, so that it cannot fill the trail.
    """
    tried = _tried(credentials)
    with _recorded():
        told = _to_tell(tried, is_refused=bool(kwargs.get("is_refused")), step=str(kwargs.get("step", "")))
        if told is None:
            return
        event, parameters = told
        where = current_request.get()
        by = By(
            Actor.VISITOR,
            name=tried,
            address=where.address,
            user_agent=where.user_agent,
            request_id=where.request_id,
        )
        trail.record(event, by, outcome="refused", parameters=parameters)


def _to_tell(tried: str, *, is_refused: bool, step: str) -> tuple[str, dict[str, Any]] | None:
    """Count a failure: the event and its parameters, or None where it is one of many that are only counted."""
    if is_refused:
        number, all_of_them = guessing.count_refusal("account", tried), guessing.count_refusal("all")
        if not _is_told(number, 1) or not _is_told(all_of_them, LISTED_AT_MOST):
            return None
        return "person.sign_in_refused", {"times": number}
    number = guessing.count_refusal("checked")
    if not _is_told(number, LISTED_AT_MOST):
        return None
    parameters: dict[str, Any] = {"step": step} if step else {}
    if number > LISTED_AT_MOST:
        parameters["times"] = number
    return "person.sign_in_failed", parameters


def _is_told(number: int, listed: int) -> bool:
    return number <= listed or number & (number - 1) == 0


@contextmanager
def _recorded() -> Iterator[None]:
    try:
        yield
    except (DatabaseError, OSError, KeyMissing) as error:
        raise SignInNotRecorded("the trail could not be written") from error


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
