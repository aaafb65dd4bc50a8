"""Ties presses in the portal to the openings that the history brought, and settles unknown outcomes by it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from access.models import Opening, Relay
from access.sync.matching import AFTER, Opened, Press, match
from access.sync.wanted import want_history
from families.models import Family, Kind
from families.sync.readings import CLOCK_LIMIT
from families.sync.reports import Reread
from families.sync.states import pieces
from portal.audit import trail
from portal.audit.models import Command, State
from portal.audit.trail import By, Result

OPEN_COMMAND = "trigger_akuvox_remote_open_door"
# A press that is known to have worked is looked for so long: its row may come late, or the sync may have stood still.
LOOKED_FOR = timedelta(days=2)
_PENDING = (State.SUCCEEDED, State.UNKNOWN)


def settle(rereads: Sequence[Reread]) -> int:
    """Match what is pending in the families whose openings were just read; return how many presses found theirs.

    Costs one query when no press is pending. One that two good readings after its time did not show has left no trace
    where its outcome was unknown; an accepted one is marked as not seen, and looked for on.
    """
    read = {one.family_id: one for one in rereads if one.kind == Kind.OPENINGS and one.family_id is not None}
    pending: list[Command] = []
    for some in pieces(sorted(read)):
        pending += _pending(some)
    if not pending:
        return 0
    presses = _presses(pending, read)
    found = match(presses, _openings(presses))
    by_id = {command.pk: command for command in pending}
    linked = sum(_link(by_id[command_id], opening_id) for command_id, opening_id in found.items())
    _give_up([by_id[press.id] for press in presses if press.id not in found], presses, read)
    return linked


def want_unknown() -> None:
    """Have the histories read soon in which an unknown outcome may show: also after the process that asked has died."""
    unknown = Command.objects.filter(
        name=OPEN_COMMAND, state=State.UNKNOWN, created_at__gte=timezone.now() - timedelta(minutes=10)
    )
    for family in Family.objects.filter(pk__in=unknown.values("family_id")):
        want_history(family)


def _pending(families: Sequence[int]) -> list[Command]:
    return list(
        Command.objects.filter(
            name=OPEN_COMMAND,
            family__in=families,
            state__in=_PENDING,
            object_kind="relay",
            sent_at__isnull=False,
            created_at__gte=timezone.now() - LOOKED_FOR,
            opening=None,
        ).order_by("pk")
    )


def _presses(pending: Sequence[Command], read: dict[int, Reread]) -> list[Press]:
    """The pending commands with the device they were about; one whose relay is not known any more is left out."""
    relays = Relay.objects.filter(public_id__in={command.object_id for command in pending})
    devices = {relay.public_id: relay.device for relay in relays.select_related("device")}
    presses = []
    for command in pending:
        device = devices.get(command.object_id)
        if device is None or command.sent_at is None or command.family_id is None:
            continue
        presses.append(
            Press(
                id=command.pk,
                place=(command.family_id, device.name),
                sent_at=command.sent_at,
                over_at=command.answered_at or command.deadline_at,
                clock_ahead=_clock_ahead(command, read[command.family_id]),
            )
        )
    return presses


def _clock_ahead(command: Command, reread: Reread) -> timedelta:
    """By the command's own answer, else by the one that was just read."""
    if command.upstream_clock_ms is None or command.answered_at is None:
        return reread.clock_ahead
    ahead = timedelta(seconds=command.upstream_clock_ms / 1000 - command.answered_at.timestamp())
    return ahead if abs(ahead) < CLOCK_LIMIT else timedelta(0)


def _openings(presses: Sequence[Press]) -> list[Opened]:
    """The openings that no press has yet, near any of the presses."""
    near = Q(pk__in=[])
    for press in presses:
        family_id, name = press.place
        near |= Q(family=family_id, device_name=name, at__gte=press.begins, at__lte=press.ends)
    rows = Opening.objects.filter(near, is_success=True, is_time_readable=True, command=None)
    return [
        Opened(pk, (family_id, name), at)
        for pk, family_id, name, at in rows.order_by("pk").values_list("pk", "family_id", "device_name", "at")
    ]


def _link(command: Command, opening_id: int) -> bool:
    """Tie the two together, once; an unknown outcome is thereby known."""
    with transaction.atomic():
        free = Opening.objects.select_for_update().filter(pk=opening_id, command=None).exists()
        if not free or Opening.objects.filter(command=command).exists():
            return False
        Opening.objects.filter(pk=opening_id).update(command=command)
        if command.state == State.UNKNOWN:
            trail.conclude(command, By.system(), Result(State.CONFIRMED_BY_HISTORY))
    return True


def _give_up(unmatched: Sequence[Command], presses: Sequence[Press], read: dict[int, Reread]) -> None:
    """Settle those that had their time; have the others' histories read again soon."""
    over = {press.id: press.over_at + AFTER for press in presses}
    still_open, not_seen = set(), []
    for command in unmatched:
        if command.not_seen_at is not None or command.family_id is None:
            continue
        if _was_read_twice_since(over[command.pk], read[command.family_id]):
            if command.state == State.UNKNOWN:
                trail.conclude(command, By.system(), Result(State.NO_TRACE))
            else:
                not_seen.append(command.pk)
        elif over[command.pk] > timezone.now() - timedelta(minutes=10):
            still_open.add(command.family_id)
    if not_seen:
        Command.objects.filter(pk__in=not_seen).update(not_seen_at=timezone.now())
    for family in Family.objects.filter(pk__in=still_open):
        want_history(family)


def _was_read_twice_since(moment: datetime, reread: Reread) -> bool:
    earlier = reread.earlier_good_at
    return earlier is not None and earlier > moment and reread.asked_at > moment
