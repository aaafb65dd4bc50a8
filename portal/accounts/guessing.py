"""Slows guessing without locking anybody out: what is counted, and how much of it is let through.

Everything counted is a row of the database, changed by one conditional statement: limits hold for guesses at the same
moment, in every process, and without Redis. An account that does not exist is counted like one that does.
docs/decisions/0009 has the reasons and the figures.
"""

import enum
import ipaddress
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import BigIntegerField, Case, F, PositiveIntegerField, Q, Value, When
from django.db.models.functions import Greatest
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string, salted_hmac

from portal.accounts.models import GuessLimit
from portal.web.where import client_address


@dataclass(frozen=True)
class Limit:
    """``at_once`` tries, and then one more each time ``every`` has passed."""

    at_once: int
    every: timedelta

    @property
    def every_ms(self) -> int:
        return round(self.every / timedelta(milliseconds=1))


# At most ten within any quarter of an hour: five at once, and one every three minutes.
FEW = Limit(5, timedelta(minutes=3))
# What strangers may try at one account together, from however many addresses: 35 in a quarter of an hour.
STRANGERS = Limit(20, timedelta(minutes=1))
# What one address may try at all accounts together: 60 in a quarter of an hour.
ADDRESS = Limit(30, timedelta(seconds=30))
# Mails with a link to a new password, to one account: the earlier ones still work.
RESET_MAILS = Limit(3, timedelta(minutes=5))

COUNTED_FOR = timedelta(minutes=15)
DEVICE_COOKIE = "__Host-device" if settings.IS_PRODUCTION else "device"
DEVICE_DAYS = 180
# A browser that several people share.
DEVICE_ACCOUNTS = 5
_SALT = "gatehouse.device"


class Turn(enum.Enum):
    """What becomes of somebody's try."""

    FREE = "free"
    # Strangers have tried this account too often: only the password together with a second factor is looked at.
    BOTH = "both"
    REFUSED = "refused"


@dataclass(frozen=True)
class Try:
    """A try that was let through, or not, and what it was counted by."""

    turn: Turn
    counted: tuple[tuple[str, Limit], ...] = ()

    def give_back(self) -> None:
        """It was right: it does not count."""
        for key, limit in self.counted:
            give_back(key, limit)


def begin(request: HttpRequest, account: str, *, with_code: bool = False) -> Try:
    """Take one try at signing in to ``account`` (an e-mail address), before anything is checked.

    ``with_code``: the password comes together with a second factor, and neither is told to be right alone.
    """
    account = account.strip().lower()
    device = _device_of(request, account)
    if device:
        return _take_all((("device", account, device), FEW))
    place = network_of(request)
    together = (("account", account), STRANGERS)
    if not with_code and not is_free(*together):
        return Try(Turn.BOTH)
    alone = ((("pair", account, place), FEW), (("address", place), ADDRESS))
    return _take_all(*alone) if with_code else _take_all(*alone, together)


def begin_code(request: HttpRequest, account: str) -> Try:
    """Take one try at a second factor, or at signing in again, of somebody whose password or session is known."""
    account = account.strip().lower()
    device = _device_of(request, account)
    return _take_all((("code", account, device), FEW))


def take(key: str, limit: Limit) -> bool:
    """Whether one more is let through; it is counted. Exactly as many as the limit says, also at the same moment."""
    if _count(key, limit):
        return True
    if not GuessLimit.objects.filter(key=key).exists():
        GuessLimit.objects.bulk_create([GuessLimit(key=key)], ignore_conflicts=True)
        _tidy()
    # Once more in any case: the row may just have been made by somebody else.
    return _count(key, limit)


def give_back(key: str, limit: Limit) -> None:
    """One that was let through does not count."""
    GuessLimit.objects.filter(key=key).update(paid_at_ms=F("paid_at_ms") - limit.every_ms)


def is_free(parts: tuple[str, ...], limit: Limit) -> bool:
    """Whether one more would be let through now. Counts nothing."""
    latest = _now_ms() + (limit.at_once - 1) * limit.every_ms
    return not GuessLimit.objects.filter(key=key_of(*parts), paid_at_ms__gt=latest).exists()


def seconds_until_free(parts: tuple[str, ...], limit: Limit) -> int:
    """How long until one more would be let through, in whole seconds; 0 for now. Counts nothing."""
    latest = _now_ms() + (limit.at_once - 1) * limit.every_ms
    paid_at = GuessLimit.objects.filter(key=key_of(*parts)).values_list("paid_at_ms", flat=True).first()
    return 0 if paid_at is None else max(0, -(-(paid_at - latest) // 1000))


def count_refusal(*parts: str) -> int:
    """Count something that was refused; return how often it was within the quarter of an hour since the first."""
    key, now = key_of("refused", *parts), _now_ms()
    begins = now - round(COUNTED_FOR / timedelta(milliseconds=1))
    is_old = Q(refused_since_ms__lt=begins)
    with transaction.atomic():
        GuessLimit.objects.bulk_create(
            [GuessLimit(key=key, refused_since_ms=now, paid_at_ms=now)], ignore_conflicts=True
        )
        GuessLimit.objects.filter(key=key).update(
            refused=Case(
                When(is_old, then=Value(1)), default=F("refused") + 1, output_field=PositiveIntegerField()
            ),
            refused_since_ms=Case(
                When(is_old, then=Value(now)), default=F("refused_since_ms"), output_field=BigIntegerField()
            ),
            paid_at_ms=now,
        )
        return GuessLimit.objects.values_list("refused", flat=True).get(key=key)


def key_of(*parts: str) -> str:
    """What is counted, as a digest: no address and no name is kept."""
    # JSON-like quoting is not needed: no part but the last may hold a line's end.
    return salted_hmac("gatehouse.guessing", "\n".join(parts), algorithm="sha256").hexdigest()


def network_of(request: HttpRequest) -> str:
    """Where a request comes from: an address, of IPv6 its first 64 bits, which one household may choose freely."""
    text = client_address(request)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((address, 64), strict=False).network_address)
    return text


def remember_device(request: HttpRequest, response: HttpResponse, account: str) -> None:
    """Give the browser a mark that says: somebody signed in to ``account`` from here. It opens nothing by itself."""
    mark = _mark_of(account.strip().lower())
    others = [entry for entry in _devices(request) if entry[0] != mark]
    entries = [[mark, get_random_string(16)], *others][:DEVICE_ACCOUNTS]
    response.set_cookie(
        DEVICE_COOKIE,
        signing.dumps(entries, salt=_SALT),
        max_age=DEVICE_DAYS * 24 * 3600,
        secure=settings.IS_PRODUCTION,
        httponly=True,
        samesite="Lax",
    )


def _take_all(*wanted: tuple[tuple[str, ...], Limit]) -> Try:
    taken: list[tuple[str, Limit]] = []
    for parts, limit in wanted:
        key = key_of(*parts)
        if not take(key, limit):
            for earlier in taken:
                give_back(*earlier)
            # Whatever came first is the narrower one: only the account as a whole leaves another way in.
            return Try(Turn.BOTH if parts[0] == "account" else Turn.REFUSED)
        taken.append((key, limit))
    return Try(Turn.FREE, tuple(taken))


def _count(key: str, limit: Limit) -> bool:
    now = _now_ms()
    latest = now + (limit.at_once - 1) * limit.every_ms
    paid_at = Greatest(F("paid_at_ms"), Value(now, BigIntegerField())) + limit.every_ms
    return GuessLimit.objects.filter(key=key, paid_at_ms__lte=latest).update(paid_at_ms=paid_at) == 1


def _tidy() -> None:
    """Drop what says nothing any more, now and then: whenever a new row is made."""
    old = _now_ms() - round(COUNTED_FOR / timedelta(milliseconds=1))
    GuessLimit.objects.filter(paid_at_ms__lt=old, paid_at_ms__gt=0).delete()


def _now_ms() -> int:
    return round(time.time() * 1000)


def _device_of(request: HttpRequest, account: str) -> str:
    mark = _mark_of(account)
    return next((nonce for known, nonce in _devices(request) if known == mark), "")


def _devices(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        entries = signing.loads(
            request.COOKIES.get(DEVICE_COOKIE, ""), salt=_SALT, max_age=timedelta(days=DEVICE_DAYS)
        )
        return [(str(mark), str(nonce)) for mark, nonce in entries]
    except (signing.BadSignature, ValueError, TypeError):
        return []


def _mark_of(account: str) -> str:
    return salted_hmac(_SALT, account, algorithm="sha256").hexdigest()[:32]
