"""The endpoints under /_simulator/, with which tests and the demo look behind the scenes."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .delivery import bomb
from .estate import Family
from .events import happen
from .rows import remote_address
from .wire import COMMANDS

if TYPE_CHECKING:
    from .server import Simulator

JOURNAL_FILTERS = ("command", "residence_id", "id", "path", "account_id", "executed", "fault")


def control(simulator: "Simulator", method: str, name: str, query: dict[str, str], body: bytes) -> Any:
    """What an endpoint answers; raises ValueError with what is wrong, and KeyError for an unknown endpoint."""
    given = json.loads(body) if body else {}
    if not isinstance(given, dict):
        raise ValueError("the body must be an object")
    return ENDPOINTS[(method, name)](simulator, query, given)


def sign_in(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    """How the organisation's account signs in, or the one with ?username=; with ?turn= by another pasted token."""
    world = simulator.world
    username = query.get("username")
    person = world.person_by_email(username) if username else world.estate.people[world.estate.organisation]
    if person is None:
        raise ValueError(f"there is no account {username}")
    return {
        "token": world.tokens.pasted(person.account_id, int(query.get("turn", 0))),
        "username": person.email,
        "password": person.password,
        "client_id": world.tokens.client_id,
        "client_secret": world.tokens.client_secret,
        "account_id": person.account_id,
        "account_name": person.account_name,
        "history_name": person.history_name,
    }


def estate(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    """What exists, without secrets. ``joinable`` is the family that has invited the organisation."""
    world = simulator.world
    with world.lock:
        found = world.estate
        families = [_tell_family(simulator, each) for each in found.families.values()]
        return {
            "seed": found.seed,
            "now": world.now(),
            "organisation": asdict_person(simulator, found.organisation),
            "newcomer": asdict_person(simulator, found.newcomer),
            "properties": list(dict.fromkeys(each["property"] for each in families)),
            "families": [each for each in families if each["residence_id"] != found.joinable],
            "joinable": next(each for each in families if each["residence_id"] == found.joinable),
        }


def canaries(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    """Every secret the simulator knows, as rows of kind and value. Those of other accounts than the
    organisation's are among them once they have been asked for."""
    world = simulator.world
    with world.lock:
        found: dict[str, str] = dict(world.secrets)
        found |= world.tokens.secrets()
        for person in world.estate.people.values():
            found[person.password] = "password"
        for device in world.estate.devices.values():
            found[device.ciphertext] = "ciphertext"
            found[device.stream_address.partition("//")[2].partition("@")[0]] = "stream"
        for family in world.estate.families.values():
            found[remote_address(world, family)] = "remote_connect_url"
            if world.estate.organisation in family.accounts:
                world.credentials_of(world.estate.organisation, family.residence_id)
        for (account_id, residence_id), held in world.credentials.items():
            found[held.private_key] = "private_key"
            found[world.code("nfc", account_id, residence_id)] = "nfc_code"
            found[world.code("ble", account_id, residence_id)] = "ble_code"
            for key in held.temp_keys:
                found[key.temp_key] = "temp_key"
                found[key.picture] = "qr_code"
        found.pop("", None)
        return [{"kind": kind, "value": value} for value, kind in sorted(found.items())]


def journal(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    unknown = set(query) - set(JOURNAL_FILTERS)
    if unknown:
        raise ValueError(f"the journal cannot be filtered by {unknown.pop()}")
    return simulator.journal.find(**query)


def clear_journal(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    simulator.journal.clear()
    return {}


def tell_faults(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    return simulator.faults.tell()


def add_fault(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    fault = simulator.faults.add(given, set(COMMANDS))
    if fault.kind == "gzip_bomb":
        # Made now, so that the caller meets its size and not the second it takes to make.
        bomb()
    return asdict(fault)


def clear_faults(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    """Faults are forgotten, and those that are being suffered end; with ?residence_id= only that family's are forgotten."""
    residence_id = query.get("residence_id", "")
    simulator.faults.clear(residence_id)
    if not residence_id:
        simulator.release()
    return {}


def add_event(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    return happen(simulator.world, given)


def reset(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    """The first day again, with no faults and an empty journal; settings not named are as at the start."""
    changes = dict(given)
    if isinstance(changes.get("now"), str):
        moment = datetime.fromisoformat(changes["now"])
        changes["now"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    simulator.reset(changes)
    return asdict(simulator.world.settings)


def tokens(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    """{"expire": true} ends the access tokens, with "refresh": true the refresh tokens too."""
    unknown = set(given) - {"expire", "refresh"}
    if unknown or given.get("expire") is not True:
        raise ValueError('the body must be {"expire": true}, with or without "refresh"')
    world = simulator.world
    world.tokens.expire_all(world.now(), refresh_too=bool(given.get("refresh")))
    return {}


def clock(simulator: "Simulator", query: dict[str, str], given: dict[str, Any]) -> Any:
    """{"advance_seconds": n} moves the simulator's clock on, and with it late rows and the ends of tokens."""
    world = simulator.world
    world.ahead += float(given.get("advance_seconds", 0))
    return {"now": world.now()}


def asdict_person(simulator: "Simulator", account_id: str) -> dict[str, Any]:
    told = asdict(simulator.world.estate.people[account_id])
    del told["password"]
    return told


def _tell_family(simulator: "Simulator", family: Family) -> dict[str, Any]:
    world = simulator.world
    devices = []
    for mac in family.devices:
        told = asdict(world.estate.devices[mac])
        for secret in ("ciphertext", "stream_address", "stream_field"):
            del told[secret]
        told["security_relays"] = told["security_relays"] or []
        devices.append(told)
    members = [{**asdict_person(simulator, each), "auth": auth} for each, auth in family.accounts.items()]
    return {
        "residence_id": family.residence_id,
        "family_name": family.family_name,
        "property": family.property,
        "online": family.online,
        "installed": family.installed,
        "is_gone": family.is_gone,
        "auth": family.accounts.get(world.estate.organisation, ""),
        "members": members,
        "invitations": dict(family.invitations),
        "devices": devices,
    }


ENDPOINTS: dict[tuple[str, str], Callable[["Simulator", dict[str, str], dict[str, Any]], Any]] = {
    ("GET", "sign-in"): sign_in,
    ("GET", "estate"): estate,
    ("GET", "canaries"): canaries,
    ("GET", "journal"): journal,
    ("DELETE", "journal"): clear_journal,
    ("GET", "faults"): tell_faults,
    ("POST", "faults"): add_fault,
    ("DELETE", "faults"): clear_faults,
    ("POST", "events"): add_event,
    ("POST", "reset"): reset,
    ("POST", "tokens"): tokens,
    ("POST", "clock"): clock,
}
