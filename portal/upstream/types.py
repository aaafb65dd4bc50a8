"""What the upstream's results hold, under the names that they have on the wire.

Design decision: ids are never empty, and a success, a permission and an upload are stated or the
row is set aside, because nothing honest can be written in their place. Other text that is missing
or null is "", a list is [], and `online`, `installed` and `is_public` are False: nobody is told
that a door is reachable when the upstream did not say so. Only a JSON boolean is a boolean; a
whole number where text belongs becomes that text, and digits where a number belongs that number.

The types show no secret in their repr.
"""

from typing import Annotated, ClassVar

import msgspec

# A limit on ids keeps a hostile answer out of indexed columns.
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
# A 32-bit number fits every database's integer column.
Whole = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


class Wire(msgspec.Struct, frozen=True, gc=False):
    """The root of the results: fields the upstream adds later are let pass and dropped."""

    SECRETS: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        shown = (
            f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in self.SECRETS
        )
        return f"{type(self).__name__}({', '.join(shown)})"


class FamilySummary(Wire, frozen=True, gc=False):
    """A row of get_family_list: a family that the token's account belongs to."""

    account_id: Id
    residence_id: Id
    family_name: str = ""
    online: bool = False
    installed: bool = False


class Account(Wire, frozen=True, gc=False):
    """A member in get_family_info; ``auth`` is admin (owner), user (administrator) or guest."""

    account_id: Id
    account_name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    auth: str = ""


class FamilyInfo(Wire, frozen=True, gc=False):
    """The result of get_family_info."""

    family_name: str = ""
    online: bool = False
    installed: bool = False
    accounts: list[Account] = []


class CreatedAccount(Wire, frozen=True, gc=False):
    """The result of create_family_account; "" when the upstream did not name the account."""

    account_id: str = ""


class RemoteConnect(Wire, frozen=True, gc=False):
    """The result of get_family_remote_connect; the address opens the family's panel, so it is secret."""

    SECRETS: ClassVar[frozenset[str]] = frozenset({"remote_connect_url"})

    remote_connect_url: str = ""
    online: bool = False


class Relay(Wire, frozen=True, gc=False):
    """A door (or security door) of a device."""

    relay_id: Id
    relay_name: str = ""
    relay_number: str = ""


class Device(Wire, frozen=True, gc=False):
    """A row of get_akuvox_device_list."""

    SECRETS: ClassVar[frozenset[str]] = frozenset({"ciphertext", "rtsp_url", "rtsp"})

    mac: Id
    device_name: str = ""
    device_type: str = ""
    sip: str = ""
    online: bool = False
    is_public: bool = False
    relays: list[Relay] = []
    security_relays: list[Relay] = []
    ciphertext: str = ""
    rtsp_url: str = ""
    rtsp: str = ""

    @property
    def stream_address(self) -> str:
        """The stream's address with the user and password in it, under whichever name it came."""
        return self.rtsp_url or self.rtsp


class PrivateKey(Wire, frozen=True, gc=False):
    """The PIN of get_akuvox_open_door_private_key_config: text, for its leading zeros."""

    SECRETS: ClassVar[frozenset[str]] = frozenset({"private_key"})

    private_key: str


class NfcConfig(Wire, frozen=True, gc=False):
    """The NFC code; whether it is on is None after an update, whose answer does not say."""

    SECRETS: ClassVar[frozenset[str]] = frozenset({"nfc_code"})

    nfc_code: str = ""
    enable_nfc: bool | None = None


class BluetoothConfig(Wire, frozen=True, gc=False):
    """The Bluetooth code; whether it is on is None after an update, whose answer does not say."""

    SECRETS: ClassVar[frozenset[str]] = frozenset({"ble_code"})

    ble_code: str = ""
    enable_ble: bool | None = None


class TempKey(Wire, frozen=True, gc=False):
    """A row of get_akuvox_open_door_temp_key_config; times in UTC as text, ``count`` as it came."""

    SECRETS: ClassVar[frozenset[str]] = frozenset({"temp_key", "qr_code_url"})

    temp_key: Id
    start_time: str = ""
    finish_time: str = ""
    count: Whole | None = None
    qr_code_url: str = ""


class CreatedTempKey(Wire, frozen=True, gc=False):
    """The temp key just made; "" when the upstream did not tell it, and then the list does."""

    SECRETS: ClassVar[frozenset[str]] = frozenset({"temp_key", "qr_code_url"})

    temp_key: str = ""
    qr_code_url: str = ""


class FaceFile(Wire, frozen=True, gc=False):
    """Whether a face is on file for the token's account."""

    is_uploaded: bool


class DevicePermission(Wire, frozen=True, gc=False):
    """Whether the token's account may use a device."""

    mac: Id
    permission: bool


class CallRow(Wire, frozen=True, gc=False):
    """A row of get_akuvox_call_history; its time has no zone in it."""

    call_name: str = ""
    call_sip: str = ""
    call_time: str = ""


class OpeningRow(Wire, frozen=True, gc=False):
    """A row of get_akuvox_open_door_history; ``open_door`` is whether the door opened."""

    open_door: bool
    account_name: str = ""
    device_name: str = ""
    open_door_type: str = ""
    open_door_time: str = ""
    capture_thumbnail_url: str = ""
    capture_picture_url: str = ""
