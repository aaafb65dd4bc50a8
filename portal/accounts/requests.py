"""The request as every view behind PolicyMiddleware gets it."""

from django.http import HttpRequest

from portal.accounts.models import User


class SignedInRequest(HttpRequest):
    """A request of somebody who is signed in: a type for views, made by nobody."""

    user: User
