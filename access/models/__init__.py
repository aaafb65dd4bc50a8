"""Doors, what passed through them, and the passes that open them."""

from access.models.credentials import Credential, CredentialKind, CredentialQuerySet
from access.models.doors import DEVICE_TYPES, Device, Outage, Relay, RelayQuerySet
from access.models.history import (
    Call,
    Gap,
    HourlyCount,
    HourlyCountQuerySet,
    Opening,
    OpeningRevision,
    Picture,
)
from access.models.moving import (
    NOT_GONE,
    ItemKind,
    ItemState,
    MoveOut,
    MoveOutItem,
    MoveOutQuerySet,
    MoveOutReading,
    MoveOutState,
    MoveOutStep,
)
from access.models.passes import SINCE_EVER, TempKey

__all__ = [
    "DEVICE_TYPES",
    "NOT_GONE",
    "SINCE_EVER",
    "Call",
    "Credential",
    "CredentialKind",
    "CredentialQuerySet",
    "Device",
    "Gap",
    "HourlyCount",
    "HourlyCountQuerySet",
    "ItemKind",
    "ItemState",
    "MoveOut",
    "MoveOutItem",
    "MoveOutQuerySet",
    "MoveOutReading",
    "MoveOutState",
    "MoveOutStep",
    "Opening",
    "OpeningRevision",
    "Outage",
    "Picture",
    "Relay",
    "RelayQuerySet",
    "TempKey",
]
