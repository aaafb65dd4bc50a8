"""How django-allauth behaves here."""

import logging
import threading
from smtplib import SMTPException
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from portal.accounts import guessing, sessions
from portal.accounts.allauth_mails import mail_for
from portal.accounts.models import User
from portal.accounts.people import password_replaced
from portal.web.addresses import own_path
from portal.web.where import client_address

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves: people come by invitation, or from ``manage.py adduser``.

    The Host header is whatever a visitor writes (its case and its port are checked by nobody): no limit is
    counted by it, and no mail leads there. Guesses are counted by portal.accounts.guessing alone; allauth's own
    limits on signing in are off, since they would lock out whoever shares an address with a guesser.
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        """Only to pages of the portal, under the name it was asked by."""
        return bool(own_path(context.request, url))

    def get_client_ip(self, request: HttpRequest) -> str:
        """As the trail tells it: what a proxy wrote that is no address is no reason to sign nobody in."""
        return client_address(request) or str(super().get_client_ip(request))

    def get_login_stages(self) -> list[str]:
        ours = {"allauth.mfa.stages.AuthenticateStage": "portal.accounts.stages.SecondFactorStage"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        request.known_browser_of = user.email  # type: ignore[attr-defined]
        response: HttpResponse = super().post_login(request, user, **kwargs)
        return response

    def get_reset_password_from_key_url(self, key: str) -> str:
        asked = urlsplit(super().get_reset_password_from_key_url(key))
        return f"{settings.PUBLIC_URL}{asked.path}"

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Not a mail for every request: the links that were sent before still work.

        Sent beside the request: how long a mail server takes would tell who has an account.
        """
        if guessing.take(guessing.key_of("reset", user.email.lower()), guessing.RESET_MAILS):
            message = mail_for("account/email/password_reset_key", email, context)
            threading.Thread(target=_send, args=(message,)).start()

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        asked = urlsplit(super().get_email_confirmation_url(request, emailconfirmation))
        return f"{settings.PUBLIC_URL}{asked.path}"

    def set_password(self, user: User, password: str) -> None:
        """By a link: whoever was signed in with the password of before is not any more, and the trail knows."""
        with transaction.atomic():
            sessions.end_all(user)
            super().set_password(user, password)
            password_replaced.send(sender=type(self), user=user)
        # Whoever reads the person's mail is no stranger: however many of those guess, this browser counts by itself.
        context.request.known_browser_of = user.email

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that does not answer is in the log: a page that told it would tell who has an account."""
        _send(mail_for(template_prefix, email, context))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # allauth's own begins with the request's host: each spelling of it would be five guesses more.
        return str(credentials.get("email", credentials.get("username", ""))).strip().lower()


def _send(message: EmailMultiAlternatives) -> None:
    try:
        message.send()
    except (OSError, SMTPException):
        logger.exception("the mail %r could not be sent", message.subject)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Passkeys belong to the name under which people reach the portal."""

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        public = urlsplit(settings.PUBLIC_URL)
        # In development it is reached by whatever name; browsers make no passkey for a bare address.
        host = (
            public.hostname
            if settings.IS_PRODUCTION
            else urlsplit(f"//{context.request.get_host()}").hostname
        )
        return {"id": host or "localhost", "name": "Gatehouse"}
