"""What people do with doors."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import PermissionDenied

from access.models import Relay
from access.selectors.presses import find_pressed_just_now
from access.sync.presses import OPEN_COMMAND
from access.sync.wanted import want_history
from families.services.acting import reach_of
from portal.accounts.models import User
from portal.audit.hourly import full_until
from portal.audit.models import Actor, Command, State
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action, Performed

OPEN_EVENT = "door.open"


@dataclass(frozen=True)
class Answers:
    """What somebody was told ahead of a press and wants all the same.

    ``offline``: that the device was offline when last asked. ``again``: the public id of the command by which the
    same door was pressed moments ago.
    """

    offline: bool = False
    again: str = ""


class DoorOffline(Exception):
    """The device was offline when last asked: ask before pressing. Nothing was sent."""


class PressedJustNow(Exception):
    """The same door was pressed moments ago: ask before pressing again. Nothing was sent."""

    def __init__(self, earlier: Command) -> None:
        super().__init__(earlier.public_id)
        self.earlier = earlier


class OpenedTooOften(Exception):
    """The hour's limit is reached: of the person, or (``is_familys``) of the family. Nothing was sent.

    ``next_at``: from when on the next press is possible.
    """

    def __init__(self, limit: int, next_at: datetime, *, is_familys: bool) -> None:
        super().__init__(limit)
        self.limit = limit
        self.next_at = next_at
        self.is_familys = is_familys


def open_door(
    actor: User, *, relay: Relay, press: str, reason: str = "", answers: Answers = Answers()
) -> Performed:
    """Open a door once, on behalf of ``actor``; the command's state says what is known of it.

    ``relay`` comes with its device and family, and was fetched through ``visible_to(actor)`` for this press. ``press``
    is the press's own name: a repeat sends nothing and returns the first outcome. Raises DoorOffline and
    PressedJustNow where ``answers`` does not hold the answer, OpenedTooOften, acting.NoConnection, and
    trail.AuditUnavailable; nothing was sent then. When the state is unknown the door may be open: the caller must not
    offer to try again by itself. Marks the family's history as wanted within two seconds. Cost: 1 upstream call
    (trigger_akuvox_remote_open_door).
    """
    if not actor.may_act:
        raise PermissionDenied
    device, family = relay.device, relay.device.family
    reach = reach_of(family)
    about = About(family.pk, family.name, "relay", relay.public_id, device.name)
    parameters = {"device": device.name, "door": str(relay), "mac": device.mac, "relay_id": relay.relay_id}

    def check() -> None:
        if not device.is_online and not answers.offline:
            raise DoorOffline
        earlier = find_pressed_just_now(relay, press=press)
        # Who was told of one press knows nothing of another that came meanwhile.
        if earlier is not None and earlier.public_id != answers.again:
            raise PressedJustNow(earlier)
        _check_limits(actor, relay)

    performed = calling.perform(
        By.person(actor),
        reach.connection,
        # Design decision: intents are written one after the other, so that of two presses at the same moment the
        # second one sees the first.
        Action(OPEN_COMMAND, OPEN_EVENT, about, press, parameters, reason, check),
        lambda client, command_id: client.trigger_akuvox_remote_open_door(
            residence_id=family.residence_id, mac=device.mac, relay_id=relay.relay_id, command_id=command_id
        ),
    )
    if performed.command.state in {State.SUCCEEDED, State.UNKNOWN}:
        want_history(family)
    return performed


def _check_limits(actor: User, relay: Relay) -> None:
    """Raise OpenedTooOften where with this press, which is written already, the hour would have more than allowed.

    What the console did does not count.
    """
    presses = Command.objects.filter(name=OPEN_COMMAND)
    for limit, counted, is_familys in (
        (settings.OPENS_PER_PERSON_AN_HOUR, presses.filter(actor=actor), False),
        (
            settings.OPENS_PER_FAMILY_AN_HOUR,
            presses.filter(family=relay.device.family_id, actor_kind=Actor.PERSON),
            True,
        ),
    ):
        next_at = full_until(counted, limit)
        if next_at is not None:
            raise OpenedTooOften(limit, next_at, is_familys=is_familys)
