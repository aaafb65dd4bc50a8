"""Doors, what passed through them, and the passes that open them."""

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
from access.models.passes import TempKey

__all__ = [
    "DEVICE_TYPES",
    "Call",
    "Device",
    "Gap",
    "HourlyCount",
    "HourlyCountQuerySet",
    "Opening",
    "OpeningRevision",
    "Outage",
    "Picture",
    "Relay",
    "RelayQuerySet",
    "TempKey",
]
