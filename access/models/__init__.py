"""Doors, what passed through them, and the passes that open them."""

from access.models.credentials import Credential, CredentialKind, CredentialQuerySet, Holder
from access.models.doors import DEVICE_TYPES, Device, Lapse, Outage, Relay, RelayQuerySet
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
    KIND_HEADINGS,
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
from access.models.visitors import VisitorLink, VisitorLinkQuerySet

__all__ = [
    "DEVICE_TYPES",
    "KIND_HEADINGS",
    "NOT_GONE",
    "SINCE_EVER",
    "Call",
    "Credential",
    "CredentialKind",
    "CredentialQuerySet",
    "Device",
    "Gap",
    "Holder",
    "HourlyCount",
    "HourlyCountQuerySet",
    "ItemKind",
    "ItemState",
    "Lapse",
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
    "VisitorLink",
    "VisitorLinkQuerySet",
]
