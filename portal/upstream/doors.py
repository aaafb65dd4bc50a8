"""The door commands as typed methods, each named as on the wire."""

from collections.abc import Mapping, Sequence
from typing import Unpack

from portal.upstream.answers import Answer
from portal.upstream.calling import Caller, Options
from portal.upstream.types import (
    BluetoothConfig,
    CallRow,
    CreatedTempKey,
    Device,
    DevicePermission,
    FaceFile,
    NfcConfig,
    OpeningRow,
    PrivateKey,
    TempKey,
)


class DoorCommands(Caller):
    """Commands 13 to 30 of the reference; codes and keys are those of the token's own account."""

    def get_akuvox_device_list(
        self, *, residence_id: str, **options: Unpack[Options]
    ) -> Answer[list[Device]]:
        """The family's devices with their relays; one device may stand in several families."""
        return self.call("get_akuvox_device_list", {"residence_id": residence_id}, **options)

    def get_akuvox_open_door_private_key_config(
        self, *, residence_id: str, **options: Unpack[Options]
    ) -> Answer[PrivateKey]:
        """The PIN of the token's account in this family."""
        return self.call("get_akuvox_open_door_private_key_config", {"residence_id": residence_id}, **options)

    def update_akuvox_open_door_private_key_config(
        self, *, residence_id: str, private_key: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Set the PIN of the token's account in this family."""
        return self.call(
            "update_akuvox_open_door_private_key_config",
            {"residence_id": residence_id, "private_key": private_key},
            **options,
        )

    def get_akuvox_open_door_nfc_config(
        self, *, residence_id: str, **options: Unpack[Options]
    ) -> Answer[NfcConfig]:
        """The NFC code of the token's account, and whether it is on."""
        return self.call("get_akuvox_open_door_nfc_config", {"residence_id": residence_id}, **options)

    def update_akuvox_open_door_nfc_config(
        self, *, residence_id: str, enable_nfc: bool, **options: Unpack[Options]
    ) -> Answer[NfcConfig]:
        """Turn NFC on or off for the token's account; the code may change."""
        return self.call(
            "update_akuvox_open_door_nfc_config",
            {"residence_id": residence_id, "enable_nfc": enable_nfc},
            **options,
        )

    def get_akuvox_open_door_ble_config(
        self, *, residence_id: str, **options: Unpack[Options]
    ) -> Answer[BluetoothConfig]:
        """The Bluetooth code of the token's account, and whether it is on."""
        return self.call("get_akuvox_open_door_ble_config", {"residence_id": residence_id}, **options)

    def update_akuvox_open_door_ble_config(
        self, *, residence_id: str, enable_ble: bool, **options: Unpack[Options]
    ) -> Answer[BluetoothConfig]:
        """Turn Bluetooth on or off for the token's account; the code may change."""
        return self.call(
            "update_akuvox_open_door_ble_config",
            {"residence_id": residence_id, "enable_ble": enable_ble},
            **options,
        )

    def get_akuvox_open_door_temp_key_config(
        self, *, residence_id: str, **options: Unpack[Options]
    ) -> Answer[list[TempKey]]:
        """The temp keys of the token's account in this family, past ones perhaps among them."""
        return self.call("get_akuvox_open_door_temp_key_config", {"residence_id": residence_id}, **options)

    def create_akuvox_open_door_temp_key_config(
        self, *, residence_id: str, start_time: str, finish_time: str, count: int, **options: Unpack[Options]
    ) -> Answer[CreatedTempKey]:
        """Make a temp key; times in UTC (`times.format_time`), ``count`` is how many uses it has."""
        return self.call(
            "create_akuvox_open_door_temp_key_config",
            {
                "residence_id": residence_id,
                "start_time": start_time,
                "finish_time": finish_time,
                "count": count,
            },
            **options,
        )

    def delete_akuvox_open_door_temp_key_config(
        self, *, residence_id: str, temp_key: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Delete a temp key."""
        return self.call(
            "delete_akuvox_open_door_temp_key_config",
            {"residence_id": residence_id, "temp_key": temp_key},
            **options,
        )

    def batch_delete_akuvox_open_door_temp_key_config(
        self, *, residence_id: str, temp_key: Sequence[str], **options: Unpack[Options]
    ) -> Answer[None]:
        """Delete several temp keys."""
        return self.call(
            "batch_delete_akuvox_open_door_temp_key_config",
            {"residence_id": residence_id, "temp_key": temp_key},
            **options,
        )

    def get_akuvox_face_file_info(self, *, residence_id: str, **options: Unpack[Options]) -> Answer[FaceFile]:
        """Whether a face is on file for the token's account."""
        return self.call("get_akuvox_face_file_info", {"residence_id": residence_id}, **options)

    def update_akuvox_face_file_info(
        self, *, residence_id: str, filename: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Register a face's file name; how the file itself gets there is not in the reference."""
        return self.call(
            "update_akuvox_face_file_info", {"residence_id": residence_id, "filename": filename}, **options
        )

    def delete_akuvox_face_file_info(self, *, residence_id: str, **options: Unpack[Options]) -> Answer[None]:
        """Delete the face of the token's account."""
        return self.call("delete_akuvox_face_file_info", {"residence_id": residence_id}, **options)

    def check_akuvox_device_permission(
        self, *, residence_id: str, devices: Sequence[Mapping[str, str]], **options: Unpack[Options]
    ) -> Answer[list[DevicePermission]]:
        """Whether the token's account may use each device: `[{mac}]`."""
        return self.call(
            "check_akuvox_device_permission", {"residence_id": residence_id, "devices": devices}, **options
        )

    def get_akuvox_call_history(
        self, *, residence_id: str, **options: Unpack[Options]
    ) -> Answer[list[CallRow]]:
        """The newest calls, in any order; how many is not said."""
        return self.call("get_akuvox_call_history", {"residence_id": residence_id}, **options)

    def get_akuvox_open_door_history(
        self, *, residence_id: str, **options: Unpack[Options]
    ) -> Answer[list[OpeningRow]]:
        """The newest openings, in any order; how many is not said."""
        return self.call("get_akuvox_open_door_history", {"residence_id": residence_id}, **options)

    def trigger_akuvox_remote_open_door(
        self, *, residence_id: str, mac: str, relay_id: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Open a door. Success says that the command was accepted, not that the relay moved."""
        return self.call(
            "trigger_akuvox_remote_open_door",
            {"residence_id": residence_id, "mac": mac, "relay_id": relay_id},
            **options,
        )
