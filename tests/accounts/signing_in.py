"""Signing in for tests, as far as a page asks for it."""

import time

from django.test import Client

from portal.accounts.models import User


def sign_in_recently(client: Client, user: User, *, method: str = "password", seconds_ago: float = 1) -> None:
    """``client`` is signed in as ``user``, who showed their password (or "mfa", "socialaccount") so long ago."""
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": method, "at": time.time() - seconds_ago}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
