"""Whether the commands, which are no part of the chain, say what their entries in it say."""

from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull

from portal.audit.models import Command, Entry, State

# What a command and the entry of its intent tell alike; the log draws from the command.
_SAID = (
    "event",
    "actor_kind",
    "actor_name",
    "family_name",
    "object_kind",
    "object_id",
    "object_name",
    "reason",
)
_MAY_BE_NULL = ("actor_id", "family_id")
_STEP = Case(When(outcome="", then=F("phase")), default=F("outcome"))
# Not the bare column: PostgreSQL may then walk the whole primary key for the few entries of one command.
_PLACE = F("number") + 0


def first_disagreement() -> tuple[int | None, str] | None:
    """The first command that differs from its entries, by the number of its intent (None without one), and how.

    Trusts the entries: to be asked once the chain holds. A command must say what its intent said and stand where
    its last entry put it; one that was claimed must still be there. Two queries, each by the index of the command id.
    """
    return _changed() or _removed()


def _changed() -> tuple[int | None, str] | None:
    own = Entry.objects.filter(command_id=OuterRef("command_id"))
    intents = own.filter(phase=State.INTENT)
    # What else was written down about a command, as that its pass was found, is no step of it.
    steps = own.exclude(phase="", outcome="")
    alike = Q(**{name: OuterRef(name) for name in _SAID})
    for name in _MAY_BE_NULL:
        alike &= Q(**{name: OuterRef(name)}) | Q(IsNull(F(name), True), IsNull(OuterRef(name), True))
    # Compared in what is selected, not in a condition: SQLite would look the event up, and find every entry of it.
    is_alike = Case(When(alike, then=True), default=False)
    found = (
        Command.objects.annotate(
            intended=Subquery(intents.order_by(_PLACE).values("number")[:1]),
            stands=Subquery(steps.order_by(_PLACE.desc()).values_list(_STEP)[:1]),
            is_alike=Coalesce(Subquery(intents.order_by(_PLACE).values_list(is_alike)[:1]), False),
        )
        .exclude(is_alike=True, stands=F("state"))
        .order_by(F("intended").asc(nulls_last=True), "pk")
        .values_list("command_id", "state", "intended", "stands", "is_alike")
        .first()
    )
    if found is None:
        return None
    command_id, state, intended, stands, is_alike = found
    if intended is None:
        return None, f"command {command_id} has no intent entry"
    if not is_alike:
        return intended, f"command {command_id} differs from what was written when it was intended"
    return intended, f"command {command_id} says “{state}”, but its last entry says “{stands}”"


def _removed() -> tuple[int | None, str] | None:
    # Only a command is ever claimed: what is merely read has an intent, too, and no command.
    claims = Entry.objects.filter(phase=State.SENT)
    gone = claims.exclude(Exists(Command.objects.filter(command_id=OuterRef("command_id"))))
    found = gone.order_by("number").values_list("number", "command_id").first()
    return (found[0], f"command {found[1]} was claimed, and is not there any more") if found else None
