"""What a person says of a pass that was asked for, and of which no answer told whether it was made."""

from contextlib import suppress

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from access.models import TempKey
from access.services.passes.reading import read_back
from access.sync import unmatched
from families.services.acting import Budget, NoConnection, may_act_in, reach_of
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import State
from portal.audit.trail import By


class NotWaiting(Exception):
    """It is told apart by now, or given up, or what was chosen is not there any more: nothing was changed."""


def choices(user: User, key: TempKey) -> list[TempKey]:
    """What may be the pass that was asked for, of what the person may see."""
    visible = TempKey.objects.visible_to(user).filter(family=key.family_id)
    found = unmatched.candidates(key)
    seen = (
        set(visible.filter(pk__in=[one.pk for one in found]).values_list("pk", flat=True)) if found else set()
    )
    return [one for one in found if one.pk in seen]


def look(actor: User, key: TempKey) -> bool:
    """Read the account's list, and take what it tells; whether the pass is told apart, or given up, now.

    Where the list cannot be read, it is what was read before. Cost: 1 upstream call
    (get_akuvox_open_door_temp_key_config).
    """
    _check(actor, key)
    with suppress(NoConnection):
        read_back(reach_of(key.family), key.family, Budget())
    unmatched.settle_families([key.family_id])
    key.refresh_from_db()
    return not key.is_unmatched


def take(actor: User, *, key: TempKey, found: TempKey) -> None:
    """Take a pass that the list brought for the one that was asked for, as a person says.

    ``key`` and ``found`` were fetched through ``visible_to(actor)``. Raises NotWaiting, PermissionDenied and
    trail.AuditUnavailable; nothing was changed then. Sends nothing.
    """
    _check(actor, key)
    if found.pk not in {one.pk for one in choices(actor, key)}:
        raise NotWaiting
    words = _("%(who)s took it for the one that was asked for.") % {"who": actor}
    with trail.writing("the trail"):
        is_done = unmatched.adopt(key, found, By.person(actor), words)
    if not is_done:
        raise NotWaiting


def take_none(actor: User, key: TempKey) -> None:
    """Count it as not made, as a person says; what the list has stays made elsewhere. Raises the same. Sends nothing."""
    _check(actor, key)
    if key.command is None or key.command.is_open:
        raise NotWaiting
    words = _("%(who)s looked: it was not made.") % {"who": actor}
    with trail.writing("the trail"):
        is_done = unmatched.give_up(key, State.CLOSED_BY_USER, By.person(actor), words)
    if not is_done:
        raise NotWaiting


def _check(actor: User, key: TempKey) -> None:
    may_act_in(actor, key.family)
    if not key.may_be_managed_by(actor):
        raise PermissionDenied
