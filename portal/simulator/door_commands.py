"""Commands 13 to 30: devices, credentials, temp keys, histories, and the door itself."""

import calendar
import re
import time
from typing import Any

from .caller import Caller
from .history import Opening, name_picture
from .rows import tell_calls, tell_devices, tell_openings, tell_temp_key
from .wire import Refused
from .world import TIME_FORMAT


def get_akuvox_device_list(caller: Caller, param: Any) -> Any:
    family = caller.family(param)
    return tell_devices(caller.world, family)


def get_private_key(caller: Caller, param: Any) -> Any:
    return {"private_key": caller.credentials(param).private_key}


def update_private_key(caller: Caller, param: Any) -> Any:
    """Assumption: a PIN has 4 to 10 digits. To check: set shorter and longer ones."""
    held = caller.credentials(param)
    if not re.fullmatch(r"[0-9]{4,10}", param["private_key"]):
        raise Refused("invalid_value", "private_key must be 4 to 10 digits")
    held.private_key = param["private_key"]
    caller.world.secrets[held.private_key] = "private_key"
    return {}


def get_nfc(caller: Caller, param: Any) -> Any:
    held = caller.credentials(param)
    return {
        "nfc_code": caller.code("nfc", param),
        "enable_nfc": held.enable_nfc,
    }


def update_nfc(caller: Caller, param: Any) -> Any:
    held = caller.credentials(param)
    held.nfc_round += param["enable_nfc"] and not held.enable_nfc
    held.enable_nfc = param["enable_nfc"]
    return {"nfc_code": caller.code("nfc", param)}


def get_ble(caller: Caller, param: Any) -> Any:
    held = caller.credentials(param)
    return {
        "ble_code": caller.code("ble", param),
        "enable_ble": held.enable_ble,
    }


def update_ble(caller: Caller, param: Any) -> Any:
    held = caller.credentials(param)
    held.ble_round += param["enable_ble"] and not held.enable_ble
    held.enable_ble = param["enable_ble"]
    return {"ble_code": caller.code("ble", param)}


def get_temp_keys(caller: Caller, param: Any) -> Any:
    held = caller.credentials(param)
    return [tell_temp_key(caller.world, key, caller.base_url) for key in held.temp_keys]


def create_temp_key(caller: Caller, param: Any) -> Any:
    """Assumption: a window that has passed is taken too. To check: create one of yesterday."""
    held = caller.credentials(param)
    start, finish = _time(param, "start_time"), _time(param, "finish_time")
    if finish <= start:
        raise Refused("invalid_value", "finish_time must be later than start_time")
    if not 1 <= param["count"] <= 10_000:
        raise Refused("invalid_value", "count must be from 1 to 10000")
    times = (param["start_time"], param["finish_time"], param["count"])
    number = f"new {caller.world.next_number()}"
    key = caller.world.new_temp_key(caller.account_id, param["residence_id"], *times, number)
    held.temp_keys.append(key)
    told = tell_temp_key(caller.world, key, caller.base_url)
    return {"temp_key": told["temp_key"], "qr_code_url": told["qr_code_url"]}


def delete_temp_key(caller: Caller, param: Any) -> Any:
    return _remove_keys(caller, param, [param["temp_key"]])


def batch_delete_temp_keys(caller: Caller, param: Any) -> Any:
    return _remove_keys(caller, param, param["temp_key"])


def get_face(caller: Caller, param: Any) -> Any:
    return {"is_uploaded": caller.credentials(param).is_uploaded}


def update_face(caller: Caller, param: Any) -> Any:
    caller.credentials(param).is_uploaded = True
    return {}


def delete_face(caller: Caller, param: Any) -> Any:
    held = caller.credentials(param)
    if not held.is_uploaded:
        raise Refused("face_not_found", "There is no face file", 404)
    held.is_uploaded = False
    return {}


def check_device_permission(caller: Caller, param: Any) -> Any:
    """Assumption: a device that is not the family's is answered with false. To check: ask for another's."""
    family, devices = caller.family(param), caller.world.estate.devices
    is_guest = family.accounts[caller.account_id] == "guest"
    return [
        {
            "permission": each["mac"] in family.devices
            and not devices[each["mac"]].is_denied
            and not is_guest,
            **each,
        }
        for each in param["devices"]
    ]


def get_opening_history(caller: Caller, param: Any) -> Any:
    return tell_openings(caller.world, caller.family(param), caller.base_url)


def get_call_history(caller: Caller, param: Any) -> Any:
    family = caller.family(param)
    return tell_calls(caller.world, family)


def open_door(caller: Caller, param: Any) -> Any:
    """Take the order and let its row appear in the history a moment later, failed when the device is offline.

    Assumption: an order to an offline device is accepted, and only the history says that it failed. To check:
    open a door whose device is unplugged.
    """
    family = caller.family(param)
    device = caller.world.estate.devices.get(param["mac"])
    if device is None or device.mac not in family.devices:
        raise Refused("device_not_found", "The device does not exist in this residence", 404)
    relays = [*device.relays, *(device.security_relays or ())]
    if param["relay_id"] not in {relay.relay_id for relay in relays}:
        raise Refused("relay_not_found", "The device has no such relay", 404)
    now = caller.world.now()
    name = caller.world.estate.people[caller.account_id].history_name
    number = caller.world.next_number()
    appears = now + caller.world.settings.open_row_seconds
    picture = name_picture(int(now), number, device.device_name)
    caller.world.add_opening(
        family,
        Opening(int(now), appears, device.online, name, device.device_name, "Remote", picture, appears + 2),
    )
    return {}


def _time(param: Any, name: str) -> int:
    text = param[name]
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        raise Refused("invalid_value", f"{name} must be written YYYY-MM-DD HH:MM:SS")
    try:
        return calendar.timegm(time.strptime(text, TIME_FORMAT))
    except (ValueError, OverflowError):
        raise Refused("invalid_value", f"{name} is not a time") from None


def _remove_keys(caller: Caller, param: Any, wanted: list[str]) -> Any:
    """Assumption: a batch is all or nothing. To check: a batch with an unknown key among known ones."""
    held = caller.credentials(param)
    known = {key.temp_key for key in held.temp_keys}
    if not set(wanted) <= known:
        raise Refused("temp_key_not_found", "The temp key does not exist", 404)
    for key in held.temp_keys:
        if key.temp_key in wanted:
            caller.world.secrets[key.temp_key] = "temp_key"
    held.temp_keys = [key for key in held.temp_keys if key.temp_key not in wanted]
    return {}


HANDLERS = {
    "get_akuvox_device_list": get_akuvox_device_list,
    "get_akuvox_open_door_private_key_config": get_private_key,
    "update_akuvox_open_door_private_key_config": update_private_key,
    "get_akuvox_open_door_nfc_config": get_nfc,
    "update_akuvox_open_door_nfc_config": update_nfc,
    "get_akuvox_open_door_ble_config": get_ble,
    "update_akuvox_open_door_ble_config": update_ble,
    "get_akuvox_open_door_temp_key_config": get_temp_keys,
    "create_akuvox_open_door_temp_key_config": create_temp_key,
    "delete_akuvox_open_door_temp_key_config": delete_temp_key,
    "batch_delete_akuvox_open_door_temp_key_config": batch_delete_temp_keys,
    "get_akuvox_face_file_info": get_face,
    "update_akuvox_face_file_info": update_face,
    "delete_akuvox_face_file_info": delete_face,
    "check_akuvox_device_permission": check_device_permission,
    "get_akuvox_call_history": get_call_history,
    "get_akuvox_open_door_history": get_opening_history,
    "trigger_akuvox_remote_open_door": open_door,
}
