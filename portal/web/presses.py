"""Press tokens: each form that sends something carries one, signed for one person and one purpose, good for one use."""

import secrets

from django.core import signing

SALT = "gatehouse.press"
# A page left open for longer than a session must be loaded again before it acts.
MAX_AGE_SECONDS = 12 * 60 * 60


class PressInvalid(Exception):
    """The token is forged, of another person or purpose, or too old: nothing may be done; load the page again."""


def new_press(user_id: int, purpose: str) -> str:
    """A fresh token for one press by this person; ``purpose`` names the action and its object."""
    return signing.dumps([user_id, purpose, secrets.token_urlsafe(16)], salt=SALT)


def read_press(token: str, user_id: int, purpose: str) -> str:
    """The press's own random name, equal for every repeat of the same token; raises PressInvalid."""
    try:
        signed_for, signed_purpose, name = signing.loads(token, salt=SALT, max_age=MAX_AGE_SECONDS)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise PressInvalid("not a token of ours, or too old") from error
    if signed_for != user_id or signed_purpose != purpose:
        raise PressInvalid("a token for somebody or something else")
    return str(name)
