"""Access tokens, refresh tokens and codes: who they belong to and until when."""

import threading
from dataclasses import asdict, dataclass
from typing import Any

from .derive import hexes, secret

# Assumption: a token lasts as long as the usual day unless expires_in asks otherwise. To check: sign in once.
LASTS_SECONDS = 86_400
LONGEST_SECONDS = 30 * 86_400
CODE_LASTS_SECONDS = 300


@dataclass
class Granted:
    """``expires`` is in seconds since 1970, 0 for never."""

    account_id: str
    expires: float
    is_spent: bool = False
    redirect_uri: str = ""
    expires_in: int = LASTS_SECONDS


class Tokens:
    """All tokens of one world. The pasted token of an account is derived from the seed and does not expire
    by itself; it is refused only after ``expire_all``."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.lock = threading.Lock()
        self.client_id = "gatehouse-" + hexes(seed, "client id", length=8)
        self.client_secret = secret(seed, "client secret")
        self.access: dict[str, Granted] = {}
        self.refresh: dict[str, Granted] = {}
        self.codes: dict[str, Granted] = {}
        self.count = 0

    def pasted(self, account_id: str, turn: int = 0) -> str:
        """The account's lasting token, the same at every call; another for another turn."""
        token = secret(self.seed, "pasted token", account_id, turn)
        with self.lock:
            self.access.setdefault(token, Granted(account_id, 0))
        return token

    def issue(self, account_id: str, now: float, expires_in: int = LASTS_SECONDS) -> dict[str, Any]:
        """A new pair, as the token endpoint tells it."""
        with self.lock:
            self.count += 1
            access = secret(self.seed, "access", self.count)
            refresh = secret(self.seed, "refresh", self.count)
            self.access[access] = Granted(account_id, now + expires_in)
            self.refresh[refresh] = Granted(account_id, 0, expires_in=expires_in)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "bearer",
            "expires_in": expires_in,
        }

    def issue_code(self, account_id: str, now: float, redirect_uri: str) -> str:
        with self.lock:
            self.count += 1
            code = secret(self.seed, "code", self.count)
            self.codes[code] = Granted(account_id, now + CODE_LASTS_SECONDS, redirect_uri=redirect_uri)
        return code

    def account(self, token: str, now: float) -> str:
        """The account that a token stands for, "" where it stands for none or none any more."""
        with self.lock:
            found = self.access.get(token)
            return found.account_id if found and not _is_over(found, now) else ""

    def spend_refresh(self, token: str) -> Granted | None:
        """What a refresh token was given for. It works once.

        Assumption: each refresh gives another refresh token and ends the old one, but leaves the access tokens
        of before as they are. To check: refresh twice with one token.
        """
        with self.lock:
            found = self.refresh.get(token)
            if found is None or found.is_spent:
                return None
            found.is_spent = True
            return found

    def spend_code(self, code: str, now: float, redirect_uri: str) -> Granted | None:
        """What a code was given for; it works once, and with the address it was sent to."""
        with self.lock:
            found = self.codes.get(code)
            if found is None or found.is_spent or _is_over(found, now):
                return None
            found.is_spent = True
            return found if found.redirect_uri == redirect_uri else None

    def expire_all(self, now: float, *, refresh_too: bool = False) -> None:
        """End every access token that exists, pasted ones included."""
        with self.lock:
            for granted in self.access.values():
                granted.expires = now - 1
            for granted in self.refresh.values() if refresh_too else ():
                granted.is_spent = True

    def secrets(self) -> dict[str, str]:
        """Every token and code that was ever given out, with its kind."""
        with self.lock:
            found = {self.client_secret: "client_secret"}
            found |= dict.fromkeys(self.access, "access_token")
            found |= dict.fromkeys(self.refresh, "refresh_token")
            found |= dict.fromkeys(self.codes, "code")
            return found

    def dump(self) -> dict[str, Any]:
        with self.lock:
            kinds = {"access": self.access, "refresh": self.refresh, "codes": self.codes}
            stored = {kind: {k: asdict(v) for k, v in held.items()} for kind, held in kinds.items()}
            return {"count": self.count, **stored}

    def restore(self, saved: dict[str, Any]) -> None:
        with self.lock:
            self.count = saved["count"]
            for kind in ("access", "refresh", "codes"):
                setattr(self, kind, {k: Granted(**v) for k, v in saved[kind].items()})


def _is_over(granted: Granted, now: float) -> bool:
    return granted.expires != 0 and granted.expires <= now
