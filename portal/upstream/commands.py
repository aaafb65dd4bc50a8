"""The 30 commands of the reference, as data: what each takes, what it answers, how it may be retried."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portal.upstream import types
from portal.upstream.text import clean


class Kind(StrEnum):
    """How often a command may be sent; the retry table is keyed on it, never on the HTTP verb."""

    READ = "read"
    SET = "set"  # sets to a value, or deletes: twice is the same as once, yet an unclear answer is looked up
    CREATE = "create"  # creates, opens, hands over: twice is not the same as once


class Shape(StrEnum):
    """What a parameter's value is in JSON."""

    TEXT = "text"
    BOOL = "true or false"
    INT = "a whole number"
    TEXTS = "a list of texts"
    ROWS = "a list of objects"


@dataclass(frozen=True)
class Param:
    """A field of `param`; ``row`` tells the fields of each object where ``type`` is ROWS.

    A ``secret`` value stands in no log, trail or error.
    """

    type: Shape = Shape.TEXT
    required: bool = True
    secret: bool = False
    row: Mapping[str, "Param"] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """One command. ``result`` is None where the reference answers {}; ``is_list`` where it answers a list."""

    name: str
    kind: Kind
    params: Mapping[str, Param] = field(default_factory=dict)
    result: type[types.Wire] | None = None
    is_list: bool = False
    history: bool = False

    @property
    def cap_bytes(self) -> int:
        """The largest answer that is read, unpacked."""
        return 20_000_000 if self.history else 1_000_000

    @property
    def is_write(self) -> bool:
        """Whether it changes something upstream."""
        return self.kind is not Kind.READ


def find_command(name: str) -> Command:
    """The command of that name; raises ValueError with the nearest names."""
    try:
        return COMMANDS[name]
    except KeyError:
        raise ValueError(f"there is no command {name!r}{_near(name, COMMANDS)}") from None


def check(command: str, param: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as they are sent, without the optional ones that are None.

    Raises ValueError naming the field that is missing, unknown or of the wrong type, never its value.
    """
    spec = find_command(command)
    return _check_fields(param, spec.params, f"{command} ")


def convert(command: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a command from words typed by a person, converted to the reference's types.

    Text stays as it is, `true` and `false` and whole numbers are recognised, lists are JSON.
    Raises ValueError naming the command or the field, and the nearest names.
    """
    spec = find_command(command)
    typed: dict[str, Any] = {}
    for name, text in fields.items():
        if name not in spec.params:
            raise ValueError(f"{command} has no field {name!r}{_near(name, spec.params)}")
        typed[name] = _convert_text(name, spec.params[name].type, text)
    return check(command, typed)


def _convert_text(name: str, shape: Shape, text: str) -> Any:
    if shape is Shape.TEXT:
        return text
    if shape is Shape.BOOL:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{name} must be true or false")
        return text.lower() == "true"
    try:
        return int(text, 10) if shape is Shape.INT else json.loads(text)
    except (ValueError, RecursionError):
        wanted = shape.value if shape is Shape.INT else f"{shape.value} as JSON"
        raise ValueError(f"{name} must be {wanted}") from None


def _check_fields(param: Mapping[str, Any], params: Mapping[str, Param], where: str) -> dict[str, Any]:
    given = {name: value for name, value in param.items() if value is not None}
    for name in given:
        if name not in params:
            raise ValueError(f"{where}has no field {name!r}{_near(str(name), params)}")
    missing = [name for name, spec in params.items() if spec.required and name not in given]
    if missing:
        near = _near_given(missing[0], param)
        raise ValueError(f"{where}needs {', '.join(missing)}{near}")
    return {name: _check_value(name, params[name], value) for name, value in given.items()}


def _check_value(name: str, spec: Param, value: Any) -> Any:
    fits = {
        Shape.TEXT: isinstance(value, str),
        Shape.BOOL: isinstance(value, bool),
        Shape.INT: isinstance(value, int) and not isinstance(value, bool),
        Shape.TEXTS: isinstance(value, list | tuple) and all(isinstance(one, str) for one in value),
        Shape.ROWS: isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value),
    }
    if not fits[spec.type]:
        raise ValueError(f"{name} must be {spec.type.value}")
    if spec.type is Shape.ROWS:
        return [_check_fields(one, spec.row, f"{name} ") for one in value]
    if any(clean(text) != text for text in _texts(value)):
        raise ValueError(f"{name} holds a character that cannot be sent")
    return list(value) if spec.type is Shape.TEXTS else value


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, list | tuple) else ()


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _near_given(missing: str, given: Mapping[str, Any]) -> str:
    return " (null is no value)" if missing in given else ""


_FAMILY = {"residence_id": Param()}
_COMMANDS = (
    Command("get_family_list", Kind.READ, {}, types.FamilySummary, is_list=True),
    Command("get_family_info", Kind.READ, _FAMILY, types.FamilyInfo),
    Command("update_family_info", Kind.SET, _FAMILY | {"family_name": Param()}),
    Command("change_family_admin", Kind.CREATE, _FAMILY | {"account_id": Param()}),
    Command("invite_family_account", Kind.CREATE, _FAMILY | {"email": Param(), "auth": Param()}),
    Command("account_join_family", Kind.CREATE, _FAMILY | {"auth": Param()}),
    Command(
        "create_family_account",
        Kind.CREATE,
        _FAMILY
        | {"first_name": Param(), "last_name": Param(), "email": Param(), "auth": Param()}
        | {"password": Param(required=False, secret=True)},
        types.CreatedAccount,
    ),
    Command("update_family_account_auth", Kind.SET, _FAMILY | {"account_id": Param(), "auth": Param()}),
    Command(
        "batch_update_family_account_auth",
        Kind.SET,
        _FAMILY | {"accounts": Param(Shape.ROWS, row={"account_id": Param(), "auth": Param()})},
    ),
    Command("delete_family_account", Kind.SET, _FAMILY | {"account_id": Param()}),
    Command(
        "batch_delete_family_account",
        Kind.SET,
        _FAMILY | {"accounts": Param(Shape.ROWS, row={"account_id": Param()})},
    ),
    Command("get_family_remote_connect", Kind.READ, _FAMILY, types.RemoteConnect),
    Command("get_akuvox_device_list", Kind.READ, _FAMILY, types.Device, is_list=True),
    Command("get_akuvox_open_door_private_key_config", Kind.READ, _FAMILY, types.PrivateKey),
    Command(
        "update_akuvox_open_door_private_key_config", Kind.SET, _FAMILY | {"private_key": Param(secret=True)}
    ),
    Command("get_akuvox_open_door_nfc_config", Kind.READ, _FAMILY, types.NfcConfig),
    Command(
        "update_akuvox_open_door_nfc_config",
        Kind.SET,
        _FAMILY | {"enable_nfc": Param(Shape.BOOL)},
        types.NfcConfig,
    ),
    Command("get_akuvox_open_door_ble_config", Kind.READ, _FAMILY, types.BluetoothConfig),
    Command(
        "update_akuvox_open_door_ble_config",
        Kind.SET,
        _FAMILY | {"enable_ble": Param(Shape.BOOL)},
        types.BluetoothConfig,
    ),
    Command("get_akuvox_open_door_temp_key_config", Kind.READ, _FAMILY, types.TempKey, is_list=True),
    Command(
        "create_akuvox_open_door_temp_key_config",
        Kind.CREATE,
        _FAMILY | {"start_time": Param(), "finish_time": Param(), "count": Param(Shape.INT)},
        types.CreatedTempKey,
    ),
    Command("delete_akuvox_open_door_temp_key_config", Kind.SET, _FAMILY | {"temp_key": Param(secret=True)}),
    Command(
        "batch_delete_akuvox_open_door_temp_key_config",
        Kind.SET,
        _FAMILY | {"temp_key": Param(Shape.TEXTS, secret=True)},
    ),
    Command("get_akuvox_face_file_info", Kind.READ, _FAMILY, types.FaceFile),
    Command("update_akuvox_face_file_info", Kind.SET, _FAMILY | {"filename": Param()}),
    Command("delete_akuvox_face_file_info", Kind.SET, _FAMILY),
    Command(
        "check_akuvox_device_permission",
        Kind.READ,
        _FAMILY | {"devices": Param(Shape.ROWS, row={"mac": Param()})},
        types.DevicePermission,
        is_list=True,
    ),
    Command("get_akuvox_call_history", Kind.READ, _FAMILY, types.CallRow, is_list=True, history=True),
    Command("get_akuvox_open_door_history", Kind.READ, _FAMILY, types.OpeningRow, is_list=True, history=True),
    Command("trigger_akuvox_remote_open_door", Kind.CREATE, _FAMILY | {"mac": Param(), "relay_id": Param()}),
)
COMMANDS: dict[str, Command] = {command.name: command for command in _COMMANDS}
