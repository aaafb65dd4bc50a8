"""What the upstream knows at this moment: the estate as it has become, credentials, histories, tokens."""

import threading
import time
from bisect import insort
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from .derive import digits, secret
from .estate import Device, Estate, Family, Person, Relay, generate, make_person
from .history import Call, Opening, first_calls, first_openings
from .tokens import Tokens
from .wire import Refused

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
BATCHES = ("together", "each", "each_silent")


@dataclass
class Settings:
    """How the simulator was started. ``now`` is the end of the first history, in seconds since 1970.

    ``batches`` is what becomes of a batch of members with a row in it that cannot be: ``together``, nothing of it
    happens; ``each``, the good rows happen, and the answer is a refusal that names the bad ones; ``each_silent``, the
    good rows happen, and the answer is a success.
    """

    seed: str = "gatehouse"
    families: int = 40
    window: int = 50
    now: float = 0.0
    history_zone: str = "UTC"
    open_row_seconds: float = 1.0
    rotate_pictures_seconds: float = 0.0
    batches: str = "together"


@dataclass
class TempKey:
    temp_key: str
    start_time: str
    finish_time: str
    count: int
    picture: str


@dataclass
class Credentials:
    """What one account has in one family. A code changes each time its kind is turned on again."""

    private_key: str
    enable_nfc: bool
    enable_ble: bool
    is_uploaded: bool
    nfc_round: int = 1
    ble_round: int = 1
    temp_keys: list[TempKey] = field(default_factory=list)


class World:
    """All of the state behind one lock; ``closed`` is set when another world takes its place."""

    def __init__(self, settings: Settings, saved: dict[str, Any] | None = None) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.closed = threading.Event()
        self.ahead = settings.now - time.time() if settings.now else 0.0
        self.began = settings.now or time.time()
        self.estate = generate(settings.seed, settings.families)
        self.zone = ZoneInfo(settings.history_zone)
        self.tokens = Tokens(settings.seed)
        self.credentials: dict[tuple[str, str], Credentials] = {}
        self.openings: dict[str, list[Opening]] = {}
        self.calls: dict[str, list[Call]] = {}
        self.new_openings: dict[str, list[Opening]] = {}
        self.new_calls: dict[str, list[Call]] = {}
        self.first_callers = {
            family.residence_id: self._callers(family) for family in self.estate.families.values()
        }
        self.secrets: dict[str, str] = {}
        # Devices that went off by themselves, and when they come back.
        self.back_on: dict[str, float] = {}
        self.count = 0
        # A connection that was made before a reset goes on working after it.
        self.tokens.pasted(self.estate.organisation)
        if saved:
            self._restore(saved)

    def now(self) -> float:
        return time.time() + self.ahead

    def next_number(self) -> int:
        """Ever another number, so that ids are new and yet the same in each run."""
        with self.lock:
            self.count += 1
            return self.count

    # Families and people

    def families_of(self, account_id: str) -> Iterator[Family]:
        for family in self.estate.families.values():
            if account_id in family.accounts and not family.is_gone:
                yield family

    def family(self, account_id: str, residence_id: str) -> Family:
        """A family that the account belongs to; to others it does not exist."""
        found = self.estate.families.get(residence_id)
        if found is None or found.is_gone or account_id not in found.accounts:
            raise Refused("residence_not_found", "The residence does not exist", 404)
        return found

    def person_by_email(self, email: str) -> Person | None:
        wanted = email.casefold()
        return next((p for p in self.estate.people.values() if p.email.casefold() == wanted), None)

    def new_person(self, email: str) -> Person:
        """Somebody who has never been seen before, named after the address."""
        name = email.partition("@")[0].replace(".", " ").title()
        first_name, _, last_name = name.partition(" ")
        person = make_person(self.settings.seed, first_name, last_name, email)
        self.estate.people[person.account_id] = person
        return person

    def credentials_of(self, account_id: str, residence_id: str) -> Credentials:
        """Made at the first question, from the seed."""
        key = (account_id, residence_id)
        with self.lock:
            if key not in self.credentials:
                self.credentials[key] = self._first_credentials(account_id, residence_id)
            return self.credentials[key]

    def code(self, kind: str, account_id: str, residence_id: str) -> str:
        """The NFC or Bluetooth code, "" while it is off.

        Assumption: a code is empty while its kind is off and new when it is on again. To check: turn NFC off
        and on, and compare.
        """
        held = self.credentials_of(account_id, residence_id)
        is_on, turn = (
            (held.enable_nfc, held.nfc_round) if kind == "nfc" else (held.enable_ble, held.ble_round)
        )
        return secret(self.settings.seed, kind, account_id, residence_id, turn, length=10) if is_on else ""

    def new_temp_key(
        self, account_id: str, residence_id: str, start: str, finish: str, count: int, number: object
    ) -> TempKey:
        """A key of nine digits that begin with 9; it belongs to no list yet."""
        seed = self.settings.seed
        words = (account_id, residence_id, number)
        digit = "9" + digits(seed, "temp key", *words, length=8)
        return TempKey(digit, start, finish, count, secret(seed, "qr", *words, length=20))

    def digits_of(self, picture: str) -> str:
        """The digits of the temp key whose QR picture has this name, "" where there is none."""
        with self.lock:
            for held in self.credentials.values():
                for key in held.temp_keys:
                    if key.picture == picture:
                        return key.temp_key
        return ""

    # History

    def openings_of(self, family: Family) -> list[Opening]:
        """All openings that ever were, in the order of their seconds, those yet to arrive among them."""
        with self.lock:
            rows = self.openings.get(family.residence_id)
            if rows is None:
                rows = first_openings(self.settings.seed, family, self.began)
                rows.extend(self.new_openings.get(family.residence_id, ()))
                rows.sort(key=_second)
                self.openings[family.residence_id] = rows
            return rows

    def calls_of(self, family: Family) -> list[Call]:
        with self.lock:
            rows = self.calls.get(family.residence_id)
            if rows is None:
                callers = self.first_callers[family.residence_id]
                rows = first_calls(self.settings.seed, family, callers, self.began)
                rows.extend(self.new_calls.get(family.residence_id, ()))
                rows.sort(key=_second)
                self.calls[family.residence_id] = rows
            return rows

    def add_opening(self, family: Family, row: Opening) -> None:
        with self.lock:
            insort(self.openings_of(family), row, key=_second)
            self._keep(self.new_openings.setdefault(family.residence_id, []), row)

    def add_call(self, family: Family, row: Call) -> None:
        with self.lock:
            insort(self.calls_of(family), row, key=_second)
            self._keep(self.new_calls.setdefault(family.residence_id, []), row)

    # Keeping

    def dump(self) -> dict[str, Any]:
        """Everything that cannot be made from the seed again, as JSON has it."""
        with self.lock:
            return {
                "settings": {**asdict(self.settings), "now": 0.0},
                "began": self.began,
                "ahead": self.ahead,
                "count": self.count,
                "people": [asdict(person) for person in self.estate.people.values()],
                "families": [asdict(family) for family in self.estate.families.values()],
                "devices": [asdict(device) for device in self.estate.devices.values()],
                "credentials": [[*key, asdict(held)] for key, held in self.credentials.items()],
                "openings": {rid: [asdict(r) for r in rows] for rid, rows in self.new_openings.items()},
                "calls": {rid: [asdict(r) for r in rows] for rid, rows in self.new_calls.items()},
                "secrets": dict(self.secrets),
                "back_on": dict(self.back_on),
                "tokens": self.tokens.dump(),
            }

    def _restore(self, saved: dict[str, Any]) -> None:
        self.began, self.ahead, self.count = saved["began"], saved["ahead"], saved["count"]
        first = self.estate
        self.estate = Estate(first.seed, first.organisation, first.newcomer, first.joinable)
        for row in saved["people"]:
            self.estate.people[row["account_id"]] = Person(**row)
        for row in saved["families"]:
            self.estate.families[row["residence_id"]] = Family(**row)
        for row in saved["devices"]:
            for name in ("relays", "security_relays"):
                row[name] = row[name] and [Relay(**relay) for relay in row[name]]
            self.estate.devices[row["mac"]] = Device(**row)
        for account_id, residence_id, row in saved["credentials"]:
            row["temp_keys"] = [TempKey(**key) for key in row["temp_keys"]]
            self.credentials[(account_id, residence_id)] = Credentials(**row)
        self.new_openings = {rid: [Opening(**r) for r in rows] for rid, rows in saved["openings"].items()}
        self.new_calls = {rid: [Call(**r) for r in rows] for rid, rows in saved["calls"].items()}
        self.secrets, self.back_on = saved["secrets"], saved["back_on"]
        self.tokens.restore(saved["tokens"])

    def _keep(self, rows: list[Any], row: Any) -> None:
        """Remember a row for the state file. What fell far out of the window is never told again."""
        insort(rows, row, key=_second)
        most = 3 * self.settings.window
        if len(rows) > 2 * most:
            del rows[:-most]

    def _callers(self, family: Family) -> list[tuple[str, str]]:
        devices = [self.estate.devices[mac] for mac in family.devices]
        return [(device.device_name, device.sip) for device in devices if device.relays]

    def _first_credentials(self, account_id: str, residence_id: str) -> Credentials:
        seed = self.settings.seed
        family = self.estate.families[residence_id]
        index = family.index
        pin = digits(seed, "pin", account_id, residence_id, length=8)
        if index % 5 == 1:
            pin = "0" + pin[1:]
        held = Credentials(pin, index % 4 != 2, index % 3 != 1, index % 2 == 0)
        for number in range((index + 2) % 4):
            start = self.began - 86_400 * (1 + 3 * number)
            finish = start + 86_400 * (14 if number < 2 else 2)
            held.temp_keys.append(
                self.new_temp_key(account_id, residence_id, utc(start), utc(finish), 1 + 9 * number, number)
            )
        return held


def utc(seconds: float) -> str:
    """The second as the wire writes it, in UTC."""
    return time.strftime(TIME_FORMAT, time.gmtime(seconds))


def _second(row: Opening | Call) -> int:
    return row.at
