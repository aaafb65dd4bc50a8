"""The codes of a second factor: an authenticator app's, which change every half minute, and recovery codes.

They stand in allauth's own table, one row of each kind for a person. A code is taken under that row's lock: of two
requests with the same code at the same moment one has it, whatever the cache or Redis do.
"""

import hashlib
import hmac
import re
import secrets
import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.sealing import Unreadable, seal_text, unseal_text

PERIOD_SECONDS = 30
# A clock that is half a minute off is not the person's fault.
STEPS = (0, -1, 1)
RECOVERY_CODES = 10
RECOVERY_LENGTH = 16
# Without letters and digits that are taken for each other.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

TOTP = Authenticator.Type.TOTP
RECOVERY = Authenticator.Type.RECOVERY_CODES
PASSKEY = Authenticator.Type.WEBAUTHN
# What counts as a second factor: recovery codes are only the way back to one.
FACTORS = (TOTP, PASSKEY)


def new_app_secret() -> str:
    """A fresh secret for an authenticator app, in base 32."""
    return str(generate_totp_secret())


def find_step(secret: str, code: str) -> int | None:
    """The half minute whose code this is, near now; None for a wrong one."""
    now = int(time.time()) // PERIOD_SECONDS
    code = plain(code)
    for step in STEPS:
        if hmac.compare_digest(format_hotp_value(hotp_value(secret, now + step)).encode(), code.encode()):
            return now + step
    return None


def keep_app(user: User, secret: str, step: int) -> Authenticator:
    """The person's authenticator app from now on. The code it was set up with is used: ``step`` is its half minute."""
    data = {"secret": seal_text(secret, _bound(user)), "last_step": step}
    return Authenticator.objects.create(user_id=user.pk, type=TOTP, data=data)


def new_recovery_codes(user: User) -> list[str]:
    """Fresh recovery codes instead of any earlier ones; only digests are kept. To be called in a transaction."""
    codes = [
        "".join(secrets.choice(_ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)
    ]
    salt = secrets.token_hex(16)
    data = {"salt": salt, "codes": [{"digest": _digest(salt, code), "used_at": None} for code in codes]}
    User.objects.select_for_update().get(pk=user.pk)
    Authenticator.objects.filter(user_id=user.pk, type=RECOVERY).delete()
    Authenticator.objects.create(user_id=user.pk, type=RECOVERY, data=data)
    return codes


def recovery_codes_left(authenticator: Authenticator) -> int:
    """How many of its codes were not used yet."""
    return sum(one["used_at"] is None for one in authenticator.data.get("codes", ()))


def is_right(user: User, code: str) -> bool:
    """Whether ``code`` could be used now. Uses nothing; two who ask may both be told yes."""
    return any(_find(row, user, code) is not None for row in _rows(user))


def use(user: User, code: str) -> Authenticator | None:
    """Take ``code``, once: the authenticator it is of, or None when it is wrong or was used.

    A code of an authenticator app also ends every earlier one.
    """
    with transaction.atomic():
        for row in _rows(user).select_for_update():
            place = _find(row, user, code)
            if place is None:
                continue
            if row.type == TOTP:
                row.data["last_step"] = place
            else:
                row.data["codes"][place]["used_at"] = timezone.now().isoformat(timespec="seconds")
            row.last_used_at = timezone.now()
            row.save(update_fields=["data", "last_used_at"])
            return row
    return None


def plain(code: str) -> str:
    """A code as it was given out, however it was typed: without spaces and hyphens, in small letters."""
    return re.sub(r"[\s-]", "", code).lower()


def _rows(user: User) -> Any:
    return Authenticator.objects.filter(user_id=user.pk, type__in=(TOTP, RECOVERY)).order_by("pk")


def _find(row: Authenticator, user: User, code: str) -> int | None:
    """The half minute of an app's code, or the place of a recovery code, that was not used yet."""
    if row.type == TOTP:
        try:
            secret = unseal_text(str(row.data.get("secret")), _bound(user))
        except Unreadable:
            # Sealed with a key that is gone, or another person's: nobody gets in with it.
            return None
        step = find_step(secret, code)
        return step if step is not None and step > row.data.get("last_step", 0) else None
    digest = _digest(row.data["salt"], plain(code))
    for place, one in enumerate(row.data["codes"]):
        if hmac.compare_digest(one["digest"], digest):
            return place if one["used_at"] is None else None
    return None


def _bound(user: User) -> str:
    return f"second-factor:{user.pk}"


def _digest(salt: str, code: str) -> str:
    # 16 letters of 31 are 79 bits: nobody tries them all, however quick one try is.
    return hashlib.sha256(f"{salt}{code}".encode()).hexdigest()
