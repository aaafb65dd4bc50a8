"""How the world's things are told on the wire."""

import time
from datetime import UTC, datetime
from typing import Any

from .derive import hexes, secret
from .estate import Family, Person, Relay
from .history import Call, Opening
from .world import TIME_FORMAT, TempKey, World


def tell_person(person: Person, auth: str) -> dict[str, Any]:
    return {
        "account_id": person.account_id,
        "account_name": person.account_name,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "auth": auth,
    }


def remote_address(world: World, family: Family) -> str:
    word = secret(world.settings.seed, "remote", family.residence_id, length=12)
    return f"https://{word}.my.ecloud.example"


def tell_devices(world: World, family: Family) -> list[dict[str, Any]]:
    told = []
    for mac in family.devices:
        device = world.estate.devices[mac]
        security = device.security_relays
        told.append(
            {
                "ciphertext": device.ciphertext,
                "security_relays": None if security is None else [_tell_relay(relay) for relay in security],
                "relays": [_tell_relay(relay) for relay in device.relays],
                "is_public": device.is_public,
                "device_name": device.device_name,
                "sip": device.sip,
                "device_type": device.device_type,
                "mac": device.mac,
                "online": device.online,
                device.stream_field: device.stream_address,
            }
        )
    return told


def tell_temp_key(world: World, key: TempKey, base_url: str) -> dict[str, Any]:
    return {
        "finish_time": key.finish_time,
        "temp_key": key.temp_key,
        "start_time": key.start_time,
        "qr_code_url": picture_address(world, base_url, f"/pictures/qr/{key.picture}.png", mark(world)),
        "count": key.count,
    }


def tell_openings(world: World, family: Family, base_url: str) -> list[dict[str, Any]]:
    """The newest rows that have arrived, in an order of their own, pictures where they have arrived.

    Assumption: the window is a number of rows and the zone is one for all. To check: a busy week of real rows.
    """
    now, turn = world.now(), mark(world)
    rows = _in_some_order(world, family, _newest(world, world.openings_of(family), now))
    renamed = family.renamed
    told = []
    for row in rows:
        picture = row.picture if row.picture_arrives <= now else ""
        full = thumbnail = ""
        if picture:
            full = picture_address(world, base_url, f"/pictures/captures/{picture}.jpg", turn)
            thumbnail = picture_address(world, base_url, f"/pictures/thumbnails/{picture}.jpg", turn)
        told.append(
            {
                "open_door": row.open_door,
                "account_name": renamed.get(row.account_name, row.account_name),
                "device_name": renamed.get(row.device_name, row.device_name),
                "capture_thumbnail_url": thumbnail,
                "open_door_type": row.open_door_type,
                "capture_picture_url": full,
                "open_door_time": _local(world, row.at),
            }
        )
    return told


def tell_calls(world: World, family: Family) -> list[dict[str, Any]]:
    rows = _in_some_order(world, family, _newest(world, world.calls_of(family), world.now()))
    return [
        {"call_name": row.call_name, "call_sip": row.call_sip, "call_time": _local(world, row.at)}
        for row in rows
    ]


def mark(world: World) -> str:
    """What makes the query string of a picture's address another one at the next call."""
    every = world.settings.rotate_pictures_seconds
    return f"{int(world.now() // every)}" if every else f"{world.next_number()}"


def picture_address(world: World, base_url: str, path: str, turn: str) -> str:
    return f"{base_url}{path}?turn={turn}&signature={signature(world, path, turn)}"


def signature(world: World, path: str, turn: str) -> str:
    """Pictures are given only to those who have their address from a command."""
    return hexes(world.settings.seed, "signature", path, turn, length=16)


def _tell_relay(relay: Relay) -> dict[str, str]:
    return {
        "relay_name": relay.relay_name,
        "relay_number": relay.relay_number,
        "relay_id": relay.relay_id,
    }


def _newest(world: World, rows: list[Any], now: float) -> list[Any]:
    """The window, oldest first: the rows with the latest seconds among those that have arrived."""
    found: list[Any] = []
    for row in reversed(rows):
        if row.arrives <= now:
            found.append(row)
            if len(found) == world.settings.window:
                break
    found.reverse()
    return found


def _in_some_order(world: World, family: Family, rows: list[Opening] | list[Call]) -> list[Any]:
    """One of four orders. It changes only when the rows do, so that an unchanged answer is equal to the last."""
    if not rows:
        return []
    order = int(hexes(world.settings.seed, family.residence_id, len(rows), rows[-1].at, length=8), 16) % 4
    if order == 0:
        return list(rows)
    if order == 1:
        return rows[::-1]
    if order == 2:
        middle = len(rows) // 2
        return [*rows[middle:], *rows[:middle]]
    # Newest first, but within a second as they came.
    return sorted(rows, key=lambda row: -row.at)


def _local(world: World, at: int) -> str:
    if world.settings.history_zone == "UTC":
        return time.strftime(TIME_FORMAT, time.gmtime(at))
    return datetime.fromtimestamp(at, UTC).astimezone(world.zone).strftime(TIME_FORMAT)
