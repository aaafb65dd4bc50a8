"""What people do with doors."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from access.models import Relay
from access.sync.presses import OPEN_COMMAND
from access.sync.wanted import want_history
from families.services.acting import reach_of
from portal.accounts.models import User
from portal.audit.models import Command, State
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action, Performed

OPEN_EVENT = "door.open"
ASK_AGAIN = timedelta(seconds=5)


class PressedJustNow(Exception):
    """The same door was pressed moments ago: ask before pressing again. Nothing was sent."""

    def __init__(self, earlier: Command) -> None:
        super().__init__(earlier.public_id)
        self.earlier = earlier


def open_door(
    actor: User, *, relay: Relay, press: str, reason: str = "", confirmed: bool = False
) -> Performed:
    """Open a door once, on behalf of ``actor``; the command's state says what is known of it.

    ``relay`` comes with its device and family, and was fetched through ``visible_to(actor)``. ``press`` is the
    press's own name: a repeat sends nothing and returns the first outcome. Raises PressedJustNow unless
    ``confirmed``, acting.NoConnection, and trail.AuditUnavailable; nothing was sent then. When the state is unknown
    the door may be open: the caller must not offer to try again by itself. Marks the family's history as
    wanted within two seconds. Cost: 1 upstream call (trigger_akuvox_remote_open_door).
    """
    if not actor.may_act:
        raise PermissionDenied
    if not confirmed:
        _ask_when_pressed_just_now(relay, press)
    device, family = relay.device, relay.device.family
    reach = reach_of(family)
    about = About(family.pk, family.name, "relay", relay.public_id, device.name)
    parameters = {"device": device.name, "door": str(relay), "mac": device.mac, "relay_id": relay.relay_id}
    performed = calling.perform(
        By.person(actor),
        reach.connection,
        Action(OPEN_COMMAND, OPEN_EVENT, about, press, parameters, reason),
        lambda client, command_id: client.trigger_akuvox_remote_open_door(
            residence_id=family.residence_id, mac=device.mac, relay_id=relay.relay_id, command_id=command_id
        ),
    )
    if performed.command.state in {State.SUCCEEDED, State.UNKNOWN}:
        want_history(family)
    return performed


def _ask_when_pressed_just_now(relay: Relay, press: str) -> None:
    recent = Command.objects.filter(
        object_kind="relay", object_id=relay.public_id, created_at__gt=timezone.now() - ASK_AGAIN
    )
    earlier = recent.exclude(state__in=[State.REFUSED, State.NOT_SENT]).order_by("-created_at").first()
    if earlier is not None and earlier.press != press:
        raise PressedJustNow(earlier)
