"""Which of our mails stands for each of allauth's, so that all of them speak with one voice."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts.mails import message_of
from portal.accounts.models import User

RESET, CHANGED, CONFIRM, OTHER = "password_reset", "password_changed", "address_confirm", "account_changed"
TEMPLATES = {
    "account/email/password_reset_key": RESET,
    "account/email/password_reset": CHANGED,
    "account/email/password_changed": CHANGED,
    "account/email/password_set": CHANGED,
    "account/email/email_confirmation": CONFIRM,
    "account/email/email_confirmation_signup": CONFIRM,
    "account/email/email_changed": OTHER,
    "account/email/email_confirm": OTHER,
    "account/email/email_deleted": OTHER,
    "mfa/email/totp_activated": OTHER,
    "mfa/email/totp_deactivated": OTHER,
    "mfa/email/webauthn_added": OTHER,
    "mfa/email/webauthn_removed": OTHER,
    "mfa/email/recovery_codes_generated": OTHER,
    "socialaccount/email/account_connected": OTHER,
    "socialaccount/email/account_disconnected": OTHER,
}
# What happened, in the words of the mail account_changed.
WORDS = {
    "account/email/email_changed": _("Your e-mail address was changed."),
    "account/email/email_confirm": _("Your e-mail address was confirmed."),
    "account/email/email_deleted": _("An e-mail address was taken from your account."),
    "mfa/email/totp_activated": _("An authenticator app was added to your account."),
    "mfa/email/totp_deactivated": _("The authenticator app was removed from your account."),
    "mfa/email/webauthn_added": _("A passkey was added to your account."),
    "mfa/email/webauthn_removed": _("A passkey was removed from your account."),
    "mfa/email/recovery_codes_generated": _("New recovery codes were made. The earlier ones no longer work."),
    "socialaccount/email/account_connected": _("You can sign in by your company's sign-in page now."),
    "socialaccount/email/account_disconnected": _("Your company's sign-in page no longer signs you in here."),
}
# Signing up, and codes by mail: none of that is switched on here.
NEVER_SENT = frozenset(
    {
        "account/email/account_already_exists",
        "account/email/login_code",
        "account/email/password_reset_code",
        "account/email/unknown_account",
    }
)


def mail_for(prefix: str, address: str, context: Mapping[str, Any]) -> EmailMultiAlternatives:
    """The mail that allauth means by ``prefix``, not sent."""
    if prefix not in TEMPLATES:
        raise ImproperlyConfigured(f"there are no words for the mail {prefix}")
    person = User.objects.filter(email__iexact=address).first()
    ours = {
        "person": person or address,
        "since": context.get("timestamp") or timezone.now(),
        "address": context.get("ip", ""),
        "what": WORDS.get(prefix, ""),
        "link": f"{settings.PUBLIC_URL}{reverse('accounts:session_list')}",
    }
    for name in ("password_reset_url", "activate_url"):
        if name in context:
            ours["link"] = context[name]
    return message_of(TEMPLATES[prefix], address, ours)
