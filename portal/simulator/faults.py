"""Faults that the next requests will meet, each for a command, all of them or a few, always or so many times."""

import threading
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from typing import Any

# Whether a command is carried out although its caller learns nothing good.
KINDS = {
    "latency": True,
    "reset_before": False,
    "reset_after": True,
    "drip": True,
    "drip_headers": True,
    "hang": False,
    "status": False,
    "unauthorized": False,
    "truncated": True,
    "cut": True,
    "wrong_type": True,
    "redirect": False,
    "huge": True,
    "gzip_bomb": True,
    "html": True,
    "empty": True,
    "refuse": False,
    "busy": False,
    "body": True,
    "svg": False,
    "pixel_flood": False,
    "animated": False,
    "not_a_picture": False,
}

# A fault for all is for all commands; the token endpoint and the pictures have to be named.
OTHER_PLACES = ("oauth2/token", "oauth2/auth", "pictures")


@dataclass
class Fault:
    """``executes`` says whether the command is carried out nevertheless; ``times`` is how often it strikes still,
    None for ever. ``account_id``: only commands that name this account, alone or in a batch."""

    command: str
    kind: str
    seconds: float = 0.0
    status: int = 0
    times: int | None = None
    residence_id: str = ""
    account_id: str = ""
    words: str = ""
    code: str = ""
    shape: int | None = None
    executes: bool = False
    body: str = ""
    content_type: str = "application/json"
    location: str = ""

    def concerns(self, command: str, residence_id: str, accounts: Collection[str]) -> bool:
        is_meant = self.command == command or (self.command == "*" and command not in OTHER_PLACES)
        is_there = not self.residence_id or self.residence_id == residence_id
        return is_meant and is_there and (not self.account_id or self.account_id in accounts)


class Faults:
    """The first fault that concerns a request strikes; one that has struck its number of times is gone."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: list[Fault] = []

    def add(self, given: dict[str, Any], known: set[str]) -> Fault:
        """Raises ValueError naming what is wrong with the description."""
        names = {each.name for each in fields(Fault)}
        unknown = sorted(set(given) - names)
        if unknown:
            raise ValueError(f"a fault has no {unknown[0]}; it has {', '.join(sorted(names))}")
        command, kind = given.get("command", ""), given.get("kind", "")
        if command not in known | {"*", *OTHER_PLACES}:
            raise ValueError(f"there is no command {command!r}")
        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
        if given.get("times") == 0:
            raise ValueError("times is at least 1, or null for always")
        stated = {name: value for name, value in given.items() if value is not None}
        fault = Fault(**{"executes": KINDS[kind], **stated})
        with self.lock:
            self.waiting.append(fault)
        return fault

    def take(self, command: str, residence_id: str = "", accounts: Collection[str] = ()) -> Fault | None:
        """The fault that strikes this request, which names these accounts, counted."""
        with self.lock:
            for fault in self.waiting:
                if fault.concerns(command, residence_id, accounts):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self.waiting.remove(fault)
                    return fault
        return None

    def clear(self, residence_id: str = "") -> None:
        """Forget all of them, or those that were meant for one family alone."""
        with self.lock:
            self.waiting = [
                fault for fault in self.waiting if residence_id and fault.residence_id != residence_id
            ]

    def tell(self) -> list[dict[str, Any]]:
        with self.lock:
            return [asdict(fault) for fault in self.waiting]
