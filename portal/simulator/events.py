"""Things that happen in the estate without anybody calling a command."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .derive import dice
from .estate import Family, device_names
from .history import Call, Opening, make_opening, name_picture
from .world import World


def happen(world: World, given: dict[str, Any]) -> Any:
    """Let one thing happen and tell what it was; raises ValueError with what is wrong in the description."""
    details = dict(given)
    kind = details.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
    handler, allowed = KINDS[kind]
    unknown = set(details) - allowed
    if unknown:
        raise ValueError(f"an event {kind} has no {unknown.pop()}; it has {', '.join(sorted(allowed))}")
    with world.lock:
        return handler(world, details)


def opening(world: World, given: dict[str, Any]) -> Any:
    """A row of the log: now, or ``at`` (ISO or seconds); told ``late_seconds`` after it happened or, when it
    happened long ago, after now; its pictures ``picture_after_seconds`` later still, or never. ``times`` equal rows."""
    family = _family(world, given)
    at = _at(world, given)
    random = dice(world.settings.seed, "event", world.next_number())
    names = device_names(world.estate, family) or ["Front Door"]
    row = make_opening(random, at, family.regulars or ["Visitor"], names)
    row.open_door = given.get("open_door", True)
    if "mac" in given:
        row.device_name = world.estate.devices[given["mac"]].device_name
    for name in ("account_name", "device_name", "open_door_type"):
        setattr(row, name, given.get(name, getattr(row, name)))
    row.arrives = world.now() + given.get("late_seconds", 0.0)
    row.picture_arrives = row.arrives + given.get("picture_after_seconds", 0.0)
    is_seen = given.get("has_picture", True)
    row.picture = name_picture(at, random.getrandbits(40), row.device_name) if is_seen else ""
    for _ in range(given.get("times", 1)):
        world.add_opening(family, Opening(*(getattr(row, name) for name in Opening.__slots__)))
    return {name: getattr(row, name) for name in Opening.__slots__}


def call(world: World, given: dict[str, Any]) -> Any:
    family = _family(world, given)
    callers = world.first_callers[family.residence_id] or [("Front Door", "6200000000")]
    random = dice(world.settings.seed, "event", world.next_number())
    name, sip = random.choice(callers)
    at = _at(world, given)
    row = Call(
        at,
        world.now() + given.get("late_seconds", 0.0),
        given.get("call_name", name),
        given.get("call_sip", sip),
    )
    for _ in range(given.get("times", 1)):
        world.add_call(family, Call(row.at, row.arrives, row.call_name, row.call_sip))
    return {name: getattr(row, name) for name in Call.__slots__}


def device(world: World, given: dict[str, Any]) -> Any:
    """A device goes off or on, gets another name, is denied to everybody or no more, is taken out of one family or all."""
    found = world.estate.devices.get(given.get("mac", ""))
    if found is None:
        raise ValueError("there is no such device")
    found.online = given.get("online", found.online)
    found.device_name = given.get("device_name", found.device_name)
    found.is_denied = given.get("is_denied", found.is_denied)
    if given.get("removed"):
        for family in world.estate.families.values():
            if (
                found.mac in family.devices
                and given.get("residence_id", family.residence_id) == family.residence_id
            ):
                family.devices.remove(found.mac)
    return {"mac": found.mac, "online": found.online}


def family(world: World, given: dict[str, Any]) -> Any:
    """A family goes off or on, gets another name, disappears for all its accounts, or comes back."""
    found = _family(world, given)
    for name in ("online", "installed", "family_name", "is_gone"):
        setattr(found, name, given.get(name, getattr(found, name)))
    return {"residence_id": found.residence_id}


def member(world: World, given: dict[str, Any]) -> Any:
    """Somebody changes the members outside the portal: other rights, removed, or an invitation accepted."""
    found = _family(world, given)
    if "email" in given:
        person = world.person_by_email(given["email"])
        if person is None:
            person = world.new_person(given["email"])
        offered = found.invitations.pop(given["email"], "guest")
        account_id = person.account_id
        found.accounts[account_id] = given.get("auth", offered)
        return {"account_id": account_id}
    account_id = given.get("account_id", "")
    if account_id not in found.accounts:
        raise ValueError("there is no such account in the family")
    if given.get("removed"):
        del found.accounts[account_id]
    else:
        found.accounts[account_id] = given.get("auth", found.accounts[account_id])
    return {"account_id": account_id}


def rename(world: World, given: dict[str, Any]) -> Any:
    """A name in the history of a family, of a person or a device, is told differently from now on."""
    found = _family(world, given)
    found.renamed[given["from"]] = given["to"]
    return {}


def _family(world: World, given: dict[str, Any]) -> Family:
    wanted = given.get("residence_id")
    if wanted is None:
        return next(each for each in world.estate.families.values() if each.installed)
    if wanted not in world.estate.families:
        raise ValueError("there is no such residence")
    return world.estate.families[wanted]


def _at(world: World, given: dict[str, Any]) -> int:
    at = given.get("at", world.now())
    if isinstance(at, str):
        moment = datetime.fromisoformat(at)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return int(at)


HISTORY_FIELDS = {"residence_id", "at", "late_seconds", "times"}
KINDS: dict[str, tuple[Callable[[World, dict[str, Any]], Any], set[str]]] = {
    "opening": (
        opening,
        HISTORY_FIELDS
        | {"mac", "account_name", "device_name", "open_door_type", "open_door"}
        | {"picture_after_seconds", "has_picture"},
    ),
    "call": (call, HISTORY_FIELDS | {"call_name", "call_sip"}),
    "device": (device, {"mac", "online", "device_name", "is_denied", "removed", "residence_id"}),
    "family": (family, {"residence_id", "online", "installed", "family_name", "is_gone"}),
    "member": (member, {"residence_id", "account_id", "email", "auth", "removed"}),
    "rename": (rename, {"residence_id", "from", "to"}),
}
