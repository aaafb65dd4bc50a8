"""Reads one device for its page: what it is, who shares it, and what happened at it. Local tables only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.utils import timezone

from access.models import Device, Opening, Relay
from access.selectors.outages import PERIOD
from access.selectors.presses import Press, describe_press
from families.models import Grant, Kind, SyncState
from families.selectors.freshness import is_late
from portal.accounts.models import User
from portal.audit.models import Command

ROWS_SHOWN = 10
# More families than this are told as a number.
SHARING_SHOWN = 50


@dataclass(frozen=True)
class Polled:
    """How the state of a device is known: when its family was last asked (None: never), and whether that is long ago."""

    at: datetime | None
    is_late: bool


def get_device(user: User, device_id: str) -> Device:
    """The device with its family and property, also one that is gone; raises Device.DoesNotExist unless it is theirs.

    It comes with ``open_relays``, and ``namesakes``: how many devices of the family have its name. Two queries.
    """
    same_name = Device.objects.filter(
        family=OuterRef("family"), name=OuterRef("name"), gone_at=None
    ).order_by()
    relays = Relay.objects.filter(gone_at=None).order_by("is_security", "number", "pk")
    return (
        Device.objects.visible_to(user)
        .select_related("family__property")
        .prefetch_related(Prefetch("relays", relays, to_attr="open_relays"))
        .annotate(namesakes=Subquery(same_name.values("name").annotate(n=Count("pk")).values("n")))
        .get(public_id=device_id)
    )


def list_devices(user: User, ids: Collection[str]) -> list[Device]:
    """These devices with their families, in the order of their families' and their own names. One query."""
    found = Device.objects.visible_to(user).filter(public_id__in=ids).select_related("family__property")
    return list(found.order_by("family__search_text", "family", "search_text", "pk"))


def list_sharing(user: User, device: Device) -> list[Device]:
    """The device as each family has it that shares it and that the person may see, itself among them. One query."""
    if not device.is_public:
        return [device]
    same = Device.objects.visible_to(user).filter(
        mac=device.mac, is_public=True, gone_at=None, family__gone_at=None
    )
    found = same.select_related("family__property").order_by("family__search_text", "pk")
    return list(found) or [device]


def polled(user: User, device: Device) -> Polled:
    """When its family's devices were last asked after. One query."""
    states = SyncState.objects.visible_to(user).filter(family=device.family, kind=Kind.DEVICES)
    at = states.values_list("last_good_at", flat=True).first()
    return Polled(at, is_late(Kind.DEVICES, at))


def changed_at(user: User, device: Device) -> datetime | None:
    """Since when it is online or offline; None where that is not known, or is from before a family admin's grant."""
    at = device.online_changed_at
    if at is not None and user.is_family_admin:
        # One query, for a family admin alone.
        begins = Grant.objects.starts_of(user).get(device.family_id)
        return at if begins is not None and at >= begins else None
    return at


def list_device_openings(user: User, device: Device, sharing: Sequence[Device]) -> list[Opening]:
    """What the log has of the device over the last 30 days, newest first, ROWS_SHOWN at most. One query.

    The log names devices and has no MAC. Where several of a family have one name, it is everything under that name, and the
    page says so; else what was put down to it, in each family that shares it.
    """
    openings: QuerySet[Opening] = Opening.objects.visible_to(user).filter(at__gt=timezone.now() - PERIOD)
    if has_namesakes(device):
        openings = openings.filter(family=device.family, device_name=device.name)
    elif len(sharing) == 1:
        openings = openings.filter(device=device)
    else:
        openings = openings.filter(device__in=sharing)
    return list(openings.select_related("family", "command").order_by("-at", "-pk")[:ROWS_SHOWN])


def has_namesakes(device: Device) -> bool:
    """Whether the log cannot tell it from another of its family. ``device`` is from get_device."""
    return (getattr(device, "namesakes", None) or 0) > (1 if device.gone_at is None else 0)


def list_device_presses(user: User, sharing: Sequence[Device]) -> list[Press]:
    """The last presses of its doors from the portal, through whichever family, newest first. One query."""
    doors = Relay.objects.filter(device__in=sharing).order_by().values("public_id")
    commands = Command.objects.visible_to(user).filter(object_kind="relay", object_id__in=doors)
    found = commands.select_related("opening", "family").order_by("-created_at", "-pk")[:ROWS_SHOWN]
    return [describe_press(command) for command in found]
