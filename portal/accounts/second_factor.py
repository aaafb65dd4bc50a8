"""A person's second factors: set up, used and taken away, each on the trail and told to the person by mail."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.accounts import codes, mails, sessions
from portal.accounts.gate import needs_second_factor
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import About, By
from portal.ids import find_hidden, hidden_id
from portal.upstream.text import clean

logger = logging.getLogger(__name__)

# What people and the trail call the three kinds.
KINDS = {codes.TOTP: "app", codes.PASSKEY: "passkey", codes.RECOVERY: "recovery_codes"}
LONGEST_NAME = 60
MOST_PASSKEYS = 20
_PURPOSE = "authenticator"


class LastFactor(Exception):
    """A second factor is required of this person, and this is their last: nothing was taken away."""


class AlreadySetUp(Exception):
    """There is an authenticator app already, or as many passkeys as one may have: nothing was added."""


@dataclass(frozen=True)
class Factor:
    """One second factor as a page shows it."""

    public_id: str
    kind: str
    name: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class Factors:
    """All of a person's second factors, and how many recovery codes they have left (None: none were made)."""

    app: Factor | None
    passkeys: Sequence[Factor]
    codes_left: int | None

    @property
    def is_any(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def get_factors(user: User) -> Factors:
    """What ``user`` has. One query."""
    rows = list(Authenticator.objects.filter(user_id=user.pk).order_by("created_at", "pk"))
    apps = [_shown(row) for row in rows if row.type == codes.TOTP]
    left = [codes.recovery_codes_left(row) for row in rows if row.type == codes.RECOVERY]
    return Factors(
        app=apps[0] if apps else None,
        passkeys=[_shown(row) for row in rows if row.type == codes.PASSKEY],
        codes_left=left[0] if left else None,
    )


def find_authenticator(user: User, public_id: str) -> Authenticator | None:
    """The app or passkey of ``user`` with this id; None for anybody else's."""
    number = find_hidden(public_id, _PURPOSE)
    if number is None:
        return None
    return Authenticator.objects.filter(pk=number, user_id=user.pk, type__in=codes.FACTORS).first()


def add_app(user: User, secret: str, step: int) -> list[str]:
    """Keep an authenticator app whose code was shown for the half minute ``step``.

    Returns the recovery codes that were made along with a first factor, to be shown once; else nothing. Raises
    AlreadySetUp.
    """
    with transaction.atomic():
        _lock(user)
        if Authenticator.objects.filter(user_id=user.pk, type=codes.TOTP).exists():
            raise AlreadySetUp
        row = codes.keep_app(user, secret, step)
        fresh = _record_added(user, row)
    _tell(user, "added", _details(row))
    return fresh


def add_passkey(user: User, name: str, credential: Mapping[str, Any]) -> list[str]:
    """Keep a passkey whose answer was found to be right. Returns and raises as ``add_app`` does."""
    with transaction.atomic():
        _lock(user)
        passkeys = Authenticator.objects.filter(user_id=user.pk, type=codes.PASSKEY)
        if passkeys.count() >= MOST_PASSKEYS:
            raise AlreadySetUp
        row = WebAuthn.add(user, clean(name)[:LONGEST_NAME], dict(credential)).instance
        fresh = _record_added(user, row)
    _tell(user, "added", _details(row))
    return fresh


def rename_passkey(user: User, row: Authenticator, name: str) -> None:
    """Call a passkey of ``user`` something else."""
    with transaction.atomic():
        locked = Authenticator.objects.select_for_update().get(pk=row.pk, user_id=user.pk)
        before = locked.data["name"]
        locked.data["name"] = clean(name)[:LONGEST_NAME]
        locked.save(update_fields=["data"])
        trail.record(
            "person.second_factor_rename",
            By.person(user),
            _about(user),
            parameters={"kind": KINDS[locked.type], "name": locked.data["name"], "before": before},
        )


def remove(user: User, row: Authenticator) -> None:
    """Take away one of the person's own second factors; with the last one their recovery codes go too.

    Raises LastFactor where one is required.
    """
    with transaction.atomic():
        _lock(user)
        mine = Authenticator.objects.filter(user_id=user.pk)
        is_last = not mine.filter(type__in=codes.FACTORS).exclude(pk=row.pk).exists()
        if is_last and needs_second_factor(user):
            raise LastFactor
        details = _details(row)
        # A second time the row is gone: nothing to tell.
        if not mine.filter(pk=row.pk).delete()[0]:
            return
        if is_last:
            mine.delete()
        trail.record("person.second_factor_remove", By.person(user), _about(user), parameters=details)
    _tell(user, "removed", details)


def make_codes(user: User) -> list[str]:
    """Fresh recovery codes, to be shown once; the earlier ones are dead. Only for whoever has a second factor."""
    with transaction.atomic():
        _lock(user)
        fresh = codes.new_recovery_codes(user)
        trail.record("person.second_factor_codes_made", By.person(user), _about(user))
    _tell(user, "codes_made", {})
    return fresh


def use_code(user: User, code: str) -> Authenticator | None:
    """Take a code of the person's app, or a recovery code, once; None when it is wrong or was used.

    Raises AuditUnavailable when that cannot be written down: then it is not used either.
    """
    with trail.writing("the trail"), transaction.atomic(durable=True):
        row = codes.use(user, code)
        if row is not None:
            trail.record(
                "person.second_factor_used", By.person(user), _about(user), parameters=_used_details(row)
            )
    if row is not None and row.type == codes.RECOVERY:
        _tell(user, "code_used", {"left": codes.recovery_codes_left(row)})
    return row


def note_passkey_used(user: User, row: Authenticator) -> None:
    """Put on the trail that a passkey was shown; raises AuditUnavailable."""
    trail.record_first(
        "person.second_factor_used", By.person(user), _about(user), parameters=_used_details(row)
    )


def reset(by: By, user: User) -> int:
    """Take all second factors from somebody who lost theirs, and end their sessions; return how many there were.

    They sign in with their password alone, and where a second factor is required they set up another at once.
    Whoever calls this has checked that ``by`` may do it.
    """
    with transaction.atomic():
        _lock(user)
        mine = Authenticator.objects.filter(user_id=user.pk)
        number: int = mine.filter(type__in=codes.FACTORS).count()
        mine.delete()
        ended = sessions.end_all(user)
        trail.record(
            "person.second_factor_reset",
            by,
            _about(user),
            parameters={"factors": number, "sessions": ended},
        )
    _tell(user, "reset", {"by": by.name})
    return number


def _shown(row: Authenticator) -> Factor:
    return Factor(
        public_id=hidden_id(row.pk, _PURPOSE),
        kind=KINDS[row.type],
        name=str(row.data.get("name", "")),
        added_at=row.created_at,
        used_at=row.last_used_at,
    )


def _lock(user: User) -> None:
    """Two changes to one person's second factors wait for each other."""
    User.objects.select_for_update().get(pk=user.pk)


def _record_added(user: User, row: Authenticator) -> list[str]:
    has_codes = Authenticator.objects.filter(user_id=user.pk, type=codes.RECOVERY).exists()
    fresh = [] if has_codes else codes.new_recovery_codes(user)
    trail.record("person.second_factor_add", By.person(user), _about(user), parameters=_details(row))
    if fresh:
        trail.record("person.second_factor_codes_made", By.person(user), _about(user))
    return fresh


def _details(row: Authenticator) -> dict[str, str]:
    details = {"kind": KINDS[row.type]}
    if row.type == codes.PASSKEY:
        details["name"] = row.data["name"]
    return details


def _used_details(row: Authenticator) -> dict[str, Any]:
    details: dict[str, Any] = dict(_details(row))
    if row.type == codes.RECOVERY:
        details["left"] = codes.recovery_codes_left(row)
    return details


def _about(user: User) -> About:
    return About(kind="person", id=user.public_id, name=user.email)


def _tell(user: User, happened: str, details: Mapping[str, Any]) -> None:
    """By mail. A mail that cannot be sent undoes nothing: it is in the log."""
    context = {
        "person": str(user),
        "happened": happened,
        "since": timezone.now(),
        "link": f"{settings.PUBLIC_URL}{reverse('mfa_index')}",
        **details,
    }
    try:
        mails.send_mail("second_factor", [user.email], context)
    except (OSError, SMTPException):
        logger.exception("the mail about a second factor could not be sent")
