"""What a browser hands over of a passkey: checked by allauth and fido2, and refused in words whatever it is."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm
from allauth.mfa.webauthn.internal import auth
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from fido2.webauthn import UserVerificationRequirement

# What reading a made-up answer raises in them: both expect a browser that means well.
_UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    OverflowError,
    RecursionError,
    struct.error,
    InvalidSignature,
    UnsupportedAlgorithm,
)


class SignInPasskeyForm(LoginWebAuthnForm):
    """The answer of a passkey that signs somebody in by itself."""

    def clean_credential(self) -> Any:
        # A session holds one question at a time. One that was asked beside a password is content with a touch.
        if (auth.get_state() or {}).get("user_verification") != UserVerificationRequirement.REQUIRED:
            raise ValidationError(_("The passkey answered another question."))
        with refused_in_words():
            return super().clean_credential()


class ShownPasskeyForm(AuthenticateWebAuthnForm):
    """The answer of a passkey of somebody who is known: ``user``."""

    def clean_credential(self) -> Any:
        with refused_in_words():
            return super().clean_credential()


def check_new(credential: Any) -> None:
    """Check a new passkey's answer to the question that this session was asked; raises ValidationError."""
    with refused_in_words():
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)


@contextmanager
def refused_in_words() -> Iterator[None]:
    """Whatever goes wrong with an answer within it is a ValidationError."""
    try:
        yield
    except ValidationError:
        raise
    except _UNREADABLE as error:
        raise ValidationError(_("The passkey's answer cannot be read.")) from error
