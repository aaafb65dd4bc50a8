"""Second factors for tests: the codes that somebody's app would show, and people who have one."""

import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.db import transaction

from portal.accounts import codes
from portal.accounts.models import User
from portal.accounts.people import verify_address
from tests.factories import ManagerFactory


def code_of(secret: str, *, steps: int = 0) -> str:
    """What the app with this secret shows now, or so many half minutes later."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // codes.PERIOD_SECONDS + steps)))


def with_app(user: User) -> str:
    """Set up an app for ``user``, with a code of long ago; return its secret."""
    secret = codes.new_app_secret()
    codes.keep_app(user, secret, 0)
    return secret


def with_codes(user: User) -> list[str]:
    """Make recovery codes for ``user``."""
    with transaction.atomic():
        return codes.new_recovery_codes(user)


def person(**fields: object) -> User:
    """A manager who may sign in by the form: their address is verified."""
    user: User = ManagerFactory(**fields)  # type: ignore[assignment, no-untyped-call]
    verify_address(user)
    return user
