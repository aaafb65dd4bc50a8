"""Finds passes that were asked for here in the lists that were read since, where no answer told which they are.

Design decision: the list is read and stored before a pass is asked for, so what is first seen after that was not there
before. Passes of one account with the same window and uses are told apart by nothing but their digits, and nobody was
given those yet: so where as many are new as were asked for, each is taken for one of them. Otherwise a person is asked.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import TempKey, VisitorLink
from access.sync.passes import READ_AGAIN_SECONDS, Whose, told_by
from families.models import Family, JobRow, Kind, RowState, SyncState
from families.services.jobs import settling
from families.services.jobs.kinds import RowOutcome
from families.sync import states
from families.sync.lists import lock_families
from families.sync.reports import Reread
from portal.audit import trail
from portal.audit.models import Command, State
from portal.audit.trail import About, By, Result
from portal.sealing import key_ring

CREATE_COMMAND = "create_akuvox_open_door_temp_key_config"
ADOPT_EVENT = "pass.adopt"
# A list that was asked for so long after a command's last moment would tell of what it made.
AFTER = timedelta(seconds=60)
# Whoever was told the digits writes down by which they are known; nobody else says so before that can be over.
BEING_KEPT = timedelta(seconds=20)
# Of these nothing was made, for all that is known.
_NOT_MADE = {State.NO_TRACE, State.CLOSED_BY_USER}


def settle(rereads: Sequence[Reread]) -> int:
    """Look for what was asked for in the families whose passes were just read; return how many were found.

    Costs one query where nothing is looked for.
    """
    read = {one.family_id for one in rereads if one.kind == Kind.TEMP_KEYS and one.family_id is not None}
    return sum(settle_families(some) for some in states.pieces(sorted(read)))


def settle_families(families: Collection[int], *, mine: TempKey | None = None) -> int:
    """The same for these families, by what is stored of them. ``mine``: one that its asker has no digits of."""
    found = TempKey.objects.filter(family__in=families, fingerprint="", gone_at=None)
    groups: defaultdict[tuple[object, ...], list[TempKey]] = defaultdict(list)
    for key in found.select_related("command", "reach", "family").order_by("at", "pk"):
        groups[(key.reach_id, key.account_id, key.starts_at, key.ends_at, key.uses)].append(key)
    return sum(_settle(group, mine) for group in groups.values())


def candidates(key: TempKey) -> list[TempKey]:
    """What may be the pass that was asked for: of its account, window and uses, first seen since. One or two queries."""
    found = TempKey.objects.filter(
        reach=key.reach_id,
        account_id=key.account_id,
        starts_at=key.starts_at,
        ends_at=key.ends_at,
        uses=key.uses,
        at__gte=key.at,
        gone_at=None,
        made_by=None,
        command=None,
    ).exclude(fingerprint="")
    some = list(found.select_related("family__property").order_by("at", "pk"))
    if not some:
        return []
    # What was there once, was gone and is back, is none that was made now.
    prints = {one.fingerprint for one in some}
    earlier = TempKey.objects.filter(reach=key.reach_id, fingerprint__in=prints, at__lt=key.at)
    known = set(earlier.values_list("fingerprint", flat=True))
    return [one for one in some if one.fingerprint not in known]


def rivals(key: TempKey) -> bool:
    """Whether another pass of the same account, window and uses was asked for and is not told apart yet."""
    others = TempKey.objects.filter(
        reach=key.reach_id,
        account_id=key.account_id,
        starts_at=key.starts_at,
        ends_at=key.ends_at,
        uses=key.uses,
        fingerprint="",
        gone_at=None,
    )
    return others.exclude(pk=key.pk).exclude(command__state__in=[State.REFUSED, State.NOT_SENT]).exists()


def know(key: TempKey, digits: str) -> bool:
    """Keep by which digits a pass that was asked for is known; the row that a reading made of it meanwhile goes.

    False where another pass of ours is known by them, or this one is told apart by now.
    """
    whose = Whose(key.family, key.account_id)
    newest = whose.fingerprint(digits)
    prints = {newest, *whose.fingerprints(digits, set(key_ring.ids()))}
    with transaction.atomic():
        lock_families([key.family_id])
        twin = TempKey.objects.filter(reach=key.reach_id, fingerprint__in=prints, gone_at=None).first()
        return _take(key, twin, newest)


def adopt(key: TempKey, found: TempKey, by: By, words: str = "") -> bool:
    """Take a pass that a list brought for the one that was asked for; False where either is not as it was any more.

    Its outcome is thereby known, that of its job's row too. Whoever asked for it is its maker.
    """
    with transaction.atomic():
        lock_families([key.family_id])
        twin = TempKey.objects.filter(pk=found.pk, gone_at=None).first()
        if twin is None or not _take(key, twin, twin.fingerprint):
            return False
        words = words or _("The list of passes has it.")
        _conclude(key, State.CLOSED_BY_USER if by.user else State.CONFIRMED_BY_HISTORY, by, words)
        note_adoption(key, by, found.public_id)
    return True


def give_up(key: TempKey, state: State, by: By, words: str) -> bool:
    """Count a pass that was asked for as not made; False where it is told apart, or given up, by now."""
    with transaction.atomic():
        lock_families([key.family_id])
        waiting = TempKey.objects.filter(pk=key.pk, fingerprint="", gone_at=None)
        if not waiting.update(gone_at=timezone.now()):
            return False
        _conclude(key, state, by, words)
    return True


def note_adoption(key: TempKey, by: By, found: str = "") -> None:
    """Put on the trail that a pass was taken for the one that was asked for; ``found`` is what it stood as before."""
    about = About(key.family_id, key.family.name, "pass", key.public_id, key.label)
    trail.record(ADOPT_EVENT, by, about, parameters={"found": found} if found else {}, command=key.command)


def want_unknown() -> None:
    """Have the lists read soon in which an unknown outcome may show: also after the process that asked has died."""
    waiting = TempKey.objects.filter(fingerprint="", gone_at=None, command__state=State.UNKNOWN)
    for family in Family.objects.filter(pk__in=waiting.values("family"), gone_at=None):
        states.want(family, Kind.TEMP_KEYS, seconds=READ_AGAIN_SECONDS)


def _settle(group: Sequence[TempKey], mine: TempKey | None) -> int:
    """Those of one account, window and uses that wait to be told apart."""
    now = timezone.now()
    waiting = []
    for key in group:
        command = key.command
        if command is None:
            continue
        if command.state in {State.REFUSED, State.NOT_SENT}:
            # The process that asked died before it could take its row back.
            TempKey.objects.filter(pk=key.pk, fingerprint="").delete()
        elif command.is_open or (key != mine and _is_being_kept(command, now)):
            # Whoever asks for it knows more in a moment.
            return 0
        elif command.state in _NOT_MADE:
            TempKey.objects.filter(pk=key.pk, fingerprint="").update(gone_at=now)
        else:
            waiting.append(key)
    if not waiting:
        return 0
    pairs, left = _pair(waiting, candidates(waiting[0]))
    adopted = sum(adopt(key, one, By.system()) for key, one in pairs)
    told_apart = {key.pk for key, _one in pairs}
    for key in waiting:
        if key.pk not in told_apart and not any(key.at <= one.at for one in left):
            _give_up_where_told(key)
    return adopted


def _pair(
    waiting: Sequence[TempKey], found: Sequence[TempKey]
) -> tuple[list[tuple[TempKey, TempKey]], Sequence[TempKey]]:
    """Which of them are which, where nobody has to be asked, and what is left; both in their order.

    What was seen before a later one was asked for is none of that one: they are gone through in pieces.
    """
    pairs: list[tuple[TempKey, TempKey]] = []
    begin = 0
    for end, key in enumerate([*waiting[1:], None], 1):
        seen = [one for one in found[len(pairs) :] if key is None or one.at < key.at]
        some = list(zip(waiting[begin:end], seen, strict=False))
        if len(seen) == end - begin and all(asked.at <= one.at for asked, one in some):
            pairs += some
            begin = end
    return pairs, found[len(pairs) :]


def _is_being_kept(command: Command, now: datetime) -> bool:
    answered_at = command.answered_at
    return command.state == State.SUCCEEDED and answered_at is not None and answered_at > now - BEING_KEPT


def _give_up_where_told(key: TempKey) -> None:
    command = key.command
    if command is None or command.state != State.UNKNOWN:
        return
    told = SyncState.objects.filter(
        family=key.family_id,
        kind=Kind.TEMP_KEYS,
        told_by=told_by(key.reach),
        last_good_at__gt=command.deadline_at + AFTER,
    )
    if key.reach.account_id == key.account_id and told.exists():
        words = _("The list of passes, read afterwards, does not have it.")
        give_up(key, State.NO_TRACE, By.system(), words)


def _take(key: TempKey, twin: TempKey | None, fingerprint: str) -> bool:
    """In a transaction, the family locked: ``key`` is known by this fingerprint, and ``twin`` is the same pass."""
    mine = TempKey.objects.select_for_update().filter(pk=key.pk, fingerprint="", gone_at=None)
    if not mine.exists() or (twin is not None and twin.is_ours):
        return False
    changes = {"fingerprint": fingerprint}
    if twin is not None:
        changes |= {name: getattr(twin, name) for name in ("deletion_id", "missing_answers", "missing_since")}
        VisitorLink.objects.filter(temp_key=twin).update(temp_key=key)
        twin.delete()
    mine.update(**changes)
    for name, value in changes.items():
        setattr(key, name, value)
    return True


def _conclude(key: TempKey, state: State, by: By, words: str) -> None:
    """In a transaction: what became of its command, and of the row of a job that asked for it."""
    command: Command | None = key.command
    if command is None:
        return
    outcome = RowOutcome(RowState.DONE if key.fingerprint else RowState.REFUSED, words)
    row = JobRow.objects.filter(command=command, state=RowState.UNKNOWN).select_related("command").first()
    # It concludes the command too.
    if row is None or not settling.settle(row, outcome, by):
        trail.conclude(command, by, Result(state, "read_back", words))
