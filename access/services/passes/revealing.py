"""Shows the digits of a pass: read live, on the trail before they are asked for, and kept nowhere."""

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from access.models import TempKey
from access.services.passes.codes import QR_SECONDS, PassCode, read_code
from access.services.passes.naming import about
from access.sync.passes import READ_AGAIN_SECONDS, Whose, by_fingerprint
from families.models import Kind, Reach
from families.services.acting import Budget, NoConnection, may_act_in
from families.sync import states
from portal.accounts.models import User
from portal.audit.trail import By
from portal.connections import calling
from portal.connections.calling import Action
from portal.upstream import errors, types
from portal.upstream.client import Answer, Client

REVEAL_EVENT = "pass.reveal"
LIST_COMMAND = "get_akuvox_open_door_temp_key_config"


class PassNotThere(Exception):
    """The door system has no such pass, as far as it tells. ``is_sure``: its list was read whole, and it is not in it."""

    def __init__(self, *, is_sure: bool) -> None:
        super().__init__("the pass is not in the list")
        self.is_sure = is_sure


def reveal_pass(
    by: By,
    key: TempKey,
    *,
    event: str = REVEAL_EVENT,
    actor: User | None,
    parameters: dict[str, object] | None = None,
) -> PassCode:
    """The digits of a pass and its picture, on behalf of ``by``; the trail says so first, as ``event``.

    ``key`` was fetched through ``visible_to(actor)``, or by the secret of a visitor's link: then ``actor`` is None. The
    account whose pass it is is asked for its list, and the pass is known in it by its fingerprint. Raises
    PermissionDenied, PassNotThere, NoConnection (nobody can ask that account now) and trail.AuditUnavailable: nothing
    was asked then, or nothing may be shown; and every UpstreamError of a read. Cost: 1 upstream call, and at most
    one picture.
    """
    if actor is not None:
        may_act_in(actor, key.family)
        if not key.may_be_managed_by(actor):
            raise PermissionDenied
    if key.gone_at is not None or not key.fingerprint:
        raise PassNotThere(is_sure=key.gone_at is not None)
    reach = _reach_of(key)
    reading = _Reading(key, reach)
    try:
        calling.read(
            by,
            reach.connection,
            Action(LIST_COMMAND, event, about(key), parameters=parameters or {}),
            reading.ask,
            reveals=True,
        )
    except errors.UpstreamRejected:
        if not reading.is_missing:
            raise
        states.want(key.family, Kind.TEMP_KEYS, seconds=READ_AGAIN_SECONDS)
        raise PassNotThere(is_sure=reading.is_whole) from None
    if reading.code is None:
        raise PassNotThere(is_sure=False)
    return reading.code


class _Reading:
    """One look at an account's passes. Holds digits: it lives as long as its reveal."""

    def __init__(self, key: TempKey, reach: Reach) -> None:
        self.key = key
        self.reach = reach
        self.budget = Budget()
        self.code: PassCode | None = None
        self.is_missing = False
        self.is_whole = True

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def ask(self, client: Client, command_id: str) -> Answer[list[types.TempKey]]:
        """The list; what of it is the pass is in ``code`` then. Raises UpstreamRejected where it is not in it."""
        answer = client.get_akuvox_open_door_temp_key_config(
            residence_id=self.key.family.residence_id, command_id=command_id
        )
        whose = Whose(self.key.family, self.reach.account_id)
        matched = whose.match(answer.result, by_fingerprint([self.key]))
        row = next((row for row, known in matched if known is not None), None)
        if row is None:
            self.is_missing, self.is_whole = True, not answer.unread
            raise errors.UpstreamRejected(
                "the pass is not in the list",
                command=LIST_COMMAND,
                words=_("The pass is not in the list of the door system."),
                status=answer.status,
            )
        # Within the place that this takes among all calls: a picture that hangs holds no more threads than those.
        seconds = min(QR_SECONDS, self.budget.left() / 2)
        self.code = read_code(row.temp_key, row.qr_code_url, seconds=seconds)
        return answer


def _reach_of(key: TempKey) -> Reach:
    """The account whose pass it is, if it can be asked now; raises NoConnection."""
    found = Reach.objects.for_acting().filter(pk=key.reach_id, account_id=key.account_id)
    reach = found.select_related("connection").first()
    if reach is None or key.family.gone_at is not None:
        raise NoConnection
    return reach
