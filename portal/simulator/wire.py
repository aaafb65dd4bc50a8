"""What a request must look like: the 30 commands with the fields of the reference, and nothing else."""

import json
import re
from dataclasses import dataclass
from typing import Any

INVOKE = "/api/v1.0/invoke/open-ability/method/"
COMMANDS_PATH = INVOKE + "user-commands"
TOKEN_PATH = INVOKE + "oauth2/token"
AUTHORIZE_PATH = INVOKE + "oauth2/auth"

FAMILY = {"residence_id": "text"}
MEMBER = {**FAMILY, "account_id": "text"}
RIGHTS = {"account_id": "text", "auth": "text"}

# A type is a word, or a list with the shape of its elements.
COMMANDS: dict[str, dict[str, Any]] = {
    "get_family_list": {},
    "get_family_info": FAMILY,
    "update_family_info": {**FAMILY, "family_name": "text"},
    "change_family_admin": MEMBER,
    "invite_family_account": {**FAMILY, "email": "text", "auth": "text"},
    "account_join_family": {**FAMILY, "auth": "text"},
    "create_family_account": {
        **FAMILY,
        "first_name": "text",
        "last_name": "text",
        "email": "text",
        "auth": "text",
        "password": "text?",
    },
    "update_family_account_auth": {**MEMBER, "auth": "text"},
    "batch_update_family_account_auth": {**FAMILY, "accounts": [RIGHTS]},
    "delete_family_account": MEMBER,
    "batch_delete_family_account": {**FAMILY, "accounts": [{"account_id": "text"}]},
    "get_family_remote_connect": FAMILY,
    "get_akuvox_device_list": FAMILY,
    "get_akuvox_open_door_private_key_config": FAMILY,
    "update_akuvox_open_door_private_key_config": {**FAMILY, "private_key": "text"},
    "get_akuvox_open_door_nfc_config": FAMILY,
    "update_akuvox_open_door_nfc_config": {**FAMILY, "enable_nfc": "flag"},
    "get_akuvox_open_door_ble_config": FAMILY,
    "update_akuvox_open_door_ble_config": {**FAMILY, "enable_ble": "flag"},
    "get_akuvox_open_door_temp_key_config": FAMILY,
    "create_akuvox_open_door_temp_key_config": {
        **FAMILY,
        "start_time": "text",
        "finish_time": "text",
        "count": "integer",
    },
    "delete_akuvox_open_door_temp_key_config": {**FAMILY, "temp_key": "text"},
    "batch_delete_akuvox_open_door_temp_key_config": {**FAMILY, "temp_key": ["text"]},
    "get_akuvox_face_file_info": FAMILY,
    "update_akuvox_face_file_info": {**FAMILY, "filename": "text"},
    "delete_akuvox_face_file_info": FAMILY,
    "check_akuvox_device_permission": {**FAMILY, "devices": [{"mac": "text"}]},
    "get_akuvox_call_history": FAMILY,
    "get_akuvox_open_door_history": FAMILY,
    "trigger_akuvox_remote_open_door": {**FAMILY, "mac": "text", "relay_id": "text"},
}

# Assumption: only a last name may be empty, since some people have one name. To check: create such a member.
MAY_BE_EMPTY = {"last_name"}
LONGEST_ID = 64


class Refused(Exception):
    """The upstream says no: ``code`` for programs, ``words`` for people, and the HTTP status it prefers.

    ``did_some``: part of it was carried out nevertheless.
    """

    def __init__(self, code: str, words: str, status: int = 400, *, did_some: bool = False) -> None:
        super().__init__(code, words, status)
        self.code = code
        self.words = words
        self.status = status
        self.did_some = did_some


@dataclass(frozen=True)
class Request:
    """A request that is made as the reference says."""

    command: str
    id: str
    param: dict[str, Any]


def check_headers(headers: Any) -> None:
    """Refuse headers that are not exactly those of the reference; the bearer is the tokens' affair."""
    for name, status in (("Content-Type", 415), ("Accept", 406)):
        values = headers.get_all(name) or []
        if values != ["application/json"]:
            told = ", ".join(values) or "nothing"
            raise Refused("invalid_header", f"{name} must be exactly application/json, not {told}", status)


def accounts_named(param: dict[str, Any]) -> set[str]:
    """The accounts that the fields of a command name, alone or in a batch."""
    rows = param.get("accounts", ())
    return {row["account_id"] for row in (param, *rows) if "account_id" in row}


def bearer(headers: Any) -> str:
    """The access token of the Authorization header."""
    values = headers.get_all("Authorization") or []
    found = re.fullmatch(r"Bearer ([\x21-\x7e]+)", values[0]) if len(values) == 1 else None
    if not found:
        raise Refused("unauthorized", "The Authorization header must be Bearer and an access token", 401)
    return found[1]


def read(body: bytes) -> tuple[Any, str]:
    """What the body holds, and why it cannot be read, or ""."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant), ""
    except (ValueError, RecursionError) as error:
        return None, str(error)


def check(found: Any) -> Request:
    """The request in a body; raises Refused, naming the first thing that is not as the reference says."""
    if not isinstance(found, dict):
        raise Refused("invalid_body", "The body must be an object")
    _same_fields(found, {"command": "text", "id": "text", "param": {}}, "the body")
    command, identity, param = found["command"], found["id"], found["param"]
    if not isinstance(command, str) or command not in COMMANDS:
        raise Refused("unknown_command", f"There is no command {command!r}", 404)
    if not isinstance(identity, str) or not 0 < len(identity) <= LONGEST_ID:
        raise Refused("invalid_id", f"id must be a string of 1 to {LONGEST_ID} characters")
    _check_value(param, COMMANDS[command], "param")
    return Request(command, identity, param)


def _check_value(value: Any, shape: Any, place: str) -> None:
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise Refused("invalid_type", f"{place} must be an object")
        _same_fields(value, shape, place)
        for name, given in value.items():
            _check_value(given, shape[name], name if place == "param" else f"{place}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise Refused("invalid_type", f"{place} must be a list")
        if not value:
            raise Refused("invalid_value", f"{place} must not be empty")
        for number, given in enumerate(value):
            _check_value(given, shape[0], f"{place}[{number}]")
    else:
        _check_plain(value, shape.removesuffix("?"), place)


def _check_plain(value: Any, kind: str, place: str) -> None:
    expected: dict[str, type] = {"text": str, "flag": bool, "integer": int}
    # A bool is an int to Python, but not on the wire.
    if not isinstance(value, expected[kind]) or (kind == "integer" and isinstance(value, bool)):
        raise Refused("invalid_type", f"{place} must be of type {kind}")
    if value == "" and place not in MAY_BE_EMPTY:
        raise Refused("invalid_value", f"{place} must not be empty")


def _same_fields(found: dict[str, Any], shape: dict[str, Any], place: str) -> None:
    unknown = sorted(set(found) - set(shape))
    if unknown:
        raise Refused("unknown_field", f"{place} has a field that is not in the reference: {unknown[0]}")
    needed = {name for name, kind in shape.items() if not (isinstance(kind, str) and kind.endswith("?"))}
    missing = sorted(needed - set(found))
    if missing:
        raise Refused("missing_field", f"{place} lacks {missing[0]}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field stands twice in an object")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
