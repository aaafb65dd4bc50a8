"""Reads what became of presses, for the pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from access.models import Device, Opening, Picture, Relay
from portal.accounts.models import User
from portal.audit.models import Command, State

# Within this time a second press of the same door is asked about first.
ASK_AGAIN = timedelta(seconds=5)
# How long a page goes on telling what a press did, where that is known.
TOLD_FOR = timedelta(seconds=90)
# How long it goes on asking for the opening of a press that was accepted or is unknown.
ASKED_FOR = timedelta(minutes=10)
# How long a door goes on saying that nobody knows what its last press did.
UNKNOWN_SHOWN = timedelta(days=1)


@dataclass(frozen=True)
class Press:
    """A press as the page tells it. ``step`` is one of on_its_way, accepted, seen, nothing_seen, refused, not_sent, unknown, no_trace.

    Nothing was seen when two good readings of the family's log, after the time in which its opening may stand there, did
    not bring it; until then it is accepted, however long that takes.
    """

    command: Command
    step: str
    opening: Opening | None
    is_waiting: bool

    @property
    def version(self) -> str:
        """Changes whenever there is something new to show."""
        is_over = "" if self.is_waiting else "-over"
        return f"{self.step}-{self.opening.picture if self.opening else 'none'}{is_over}"

    @property
    def is_doubtful(self) -> bool:
        """Whether nobody knows what it did: the door may be open."""
        return self.step in {"unknown", "no_trace"}


def get_press(user: User, *, relay: Relay, command_id: str) -> Press:
    """What became of a press of this relay; raises Command.DoesNotExist unless it is the person's to see."""
    commands = Command.objects.visible_to(user).filter(object_kind="relay", object_id=relay.public_id)
    return describe_press(commands.select_related("opening").get(public_id=command_id))


def describe_press(command: Command, *, is_new: bool = False) -> Press:
    """The press behind a command, with the opening that it caused where the log has brought it.

    One query, or none where the command was read with it, or ``is_new``: no log can have brought anything yet.
    """
    return _press(command, None if is_new else getattr(command, "opening", None))


def find_last_press(user: User, relay: Relay) -> Press | None:
    """What a door still has to tell of its last press; None where there is nothing. One query."""
    return _told(user, [relay.public_id]).get(relay.public_id)


def find_pressed_just_now(relay: Relay, *, press: str = "") -> Command | None:
    """The newest press within five seconds of this door that may have opened it: by anybody, through any family.

    ``press`` is the one that is asking. Who made it is told only to whom the command is visible. One query, and one more
    where there is such a press.
    """
    recent = Command.objects.filter(object_kind="relay", created_at__gt=timezone.now() - ASK_AGAIN)
    if relay.device.is_public:
        recent = recent.filter(object_id__in=doors_like(relay.device, relay).values("public_id"))
    else:
        recent = recent.filter(object_id=relay.public_id)
    # Few columns, and the few rows sorted out here: every press waits for this statement to be written.
    for pk, name, state in recent.order_by("-created_at", "-pk").values_list("pk", "press", "state"):
        if name != press and state not in {State.REFUSED, State.NOT_SENT}:
            return Command.objects.get(pk=pk)
    return None


def list_presses(user: User, devices: Iterable[Any]) -> dict[str, Press]:
    """What a page of doors still has to tell of presses, by the door's public id: the last of each, where it was
    moments ago, or within a day where nobody knows what became of it. One query.
    """
    return _told(user, [relay.public_id for device in devices for relay in device.open_relays])


def families_for(user: User, device: Device, relay: Relay | None = None) -> list[Relay]:
    """Through which families a device can be opened: the doors of its MAC, or of them those that are ``relay``.

    One for each family of the person's that shares it, with device, family and property; first the one that they
    used last, then by the family's name. Of a private device only its own family's. One query.
    """
    doors = doors_like(device, relay).filter(
        pk__in=Relay.objects.visible_to(user), device__family__gone_at=None
    )
    used = Command.objects.filter(
        object_kind="relay", object_id=OuterRef("public_id"), actor=user, sent_at__isnull=False
    )
    last_used = Subquery(used.order_by("-created_at").values("created_at")[:1])
    return list(
        doors.select_related("device__family__property")
        .annotate(last_used_at=last_used)
        .order_by(F("last_used_at").desc(nulls_last=True), "device__family__name", "pk")
    )


def doors_like(device: Device, relay: Relay | None = None) -> QuerySet[Relay]:
    """The doors of a device as every family has them: also of those whom nobody asked about. For questions only."""
    doors = Relay.objects.filter(gone_at=None, device__gone_at=None)
    doors = (
        doors.filter(device__mac=device.mac, device__is_public=True)
        if device.is_public
        else doors.filter(device=device)
    )
    if relay is not None:
        doors = doors.filter(relay_id=relay.relay_id, is_security=relay.is_security)
    return doors


def _told(user: User, doors: list[str]) -> dict[str, Press]:
    now = timezone.now()
    told = (
        Q(created_at__gt=now - TOLD_FOR)
        | Q(state=State.SUCCEEDED, opening=None, created_at__gt=now - ASKED_FOR)
        | Q(state__in=[State.SENT, State.UNKNOWN, State.NO_TRACE], created_at__gt=now - UNKNOWN_SHOWN)
    )
    commands = Command.objects.visible_to(user).filter(told, object_kind="relay", object_id__in=doors)
    commands = commands.select_related("opening").order_by("created_at", "pk")
    return {command.object_id: describe_press(command) for command in commands}


def _press(command: Command, opening: Opening | None) -> Press:
    age = timezone.now() - command.created_at
    if opening is not None:
        # The picture comes a little after the row.
        return Press(
            command, "seen", opening, is_waiting=age < TOLD_FOR and opening.picture == Picture.WANTED
        )
    match command.state_now:
        case State.INTENT | State.SENT:
            return Press(command, "on_its_way", None, is_waiting=True)
        case State.SUCCEEDED if command.not_seen_at is not None:
            return Press(command, "nothing_seen", None, is_waiting=False)
        case State.SUCCEEDED:
            return Press(command, "accepted", None, is_waiting=age < ASKED_FOR)
        case State.UNKNOWN:
            return Press(command, "unknown", None, is_waiting=age < ASKED_FOR)
        case state:
            return Press(command, state, None, is_waiting=False)
