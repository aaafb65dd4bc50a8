"""What a sync found different from before, and which of it commands of ours explain."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from families.models import Reach, Rights
from families.sync.states import pieces
from portal.audit.models import Command, State

# What we did explains what is found so long afterwards: the upstream may tell of it late.
EXPLAINS_FOR = timedelta(minutes=10)
_MAY_HAVE_ACTED = (State.SENT, State.SUCCEEDED, State.UNKNOWN, State.CONFIRMED_BY_HISTORY)
# What was refused did nothing, with two exceptions: of a batch some rows may have been done all the same, and where no
# answer came and nothing had changed when we looked, it may have been done since.
_BATCHES = ("batch_delete_family_account", "batch_update_family_account_auth")
_REFUSED_YET_DONE = Q(state=State.REFUSED) & (Q(name__in=_BATCHES) | Q(error="read_back"))


class ChangeKind(models.TextChoices):
    """What changed outside the portal; ``Change.kind`` holds one of these."""

    JOINED = "joined", _("Joined")
    LEFT = "left", _("Left")
    RIGHTS = "rights", _("Rights changed")
    MEMBER_RENAMED = "member_renamed", _("Member renamed")
    FAMILY_RENAMED = "family_renamed", _("Family renamed")


_CAUSES: dict[ChangeKind, frozenset[str]] = {
    ChangeKind.JOINED: frozenset({"invite_family_account", "create_family_account", "account_join_family"}),
    ChangeKind.LEFT: frozenset({"delete_family_account", "batch_delete_family_account"}),
    ChangeKind.RIGHTS: frozenset(
        {"update_family_account_auth", "batch_update_family_account_auth", "change_family_admin"}
    ),
    ChangeKind.MEMBER_RENAMED: frozenset(),
    ChangeKind.FAMILY_RENAMED: frozenset({"update_family_info"}),
}
_HAND_OVER = "change_family_admin"
_JOIN = "account_join_family"


class Explanations:
    """The commands of ours about some families that may explain what is different now. Asks the database when first asked."""

    def __init__(self, families: Collection[int]) -> None:
        self._families = families
        self._found: defaultdict[int, list[Command]] | None = None

    def explain(self, kind: ChangeKind, family: int, *clues: str) -> bool:
        """Whether a command of ours did this; ``clues`` are what it may have named: ids, an address, a name."""
        return any(
            _speaks_of(command, clues) for command in self._of(family) if command.name in _CAUSES[kind]
        )

    def explain_rights(self, family: int, before: str, after: str, *clues: str) -> bool:
        """Whether a command of ours gave somebody just these rights, in place of those before."""
        return any(
            _gives(command, before, after, clues)
            for command in self._of(family)
            if command.name in _CAUSES[ChangeKind.RIGHTS]
        )

    def is_later_than(self, kind: ChangeKind, family: int, asked_at: datetime) -> bool:
        """Whether such a command was under way or done after an answer was asked for: it may tell of before."""
        return any(
            (command.answered_at or timezone.now()) >= asked_at
            for command in self._of(family)
            if command.name in _CAUSES[kind]
        )

    def _of(self, family: int) -> list[Command]:
        if self._found is None:
            self._found = defaultdict(list)
            names = frozenset[str]().union(*_CAUSES.values())
            recent = Command.objects.filter(
                Q(state__in=_MAY_HAVE_ACTED) | _REFUSED_YET_DONE,
                name__in=names,
                created_at__gte=timezone.now() - EXPLAINS_FOR,
            )
            for some in pieces(sorted(self._families)):
                for command in recent.filter(family__in=some):
                    if command.family_id is not None:
                        self._found[command.family_id].append(command)
        return self._found[family]


def _speaks_of(command: Command, clues: Collection[str]) -> bool:
    if command.name == _JOIN:
        # It names nobody: who joined is the connection's account, the same in every family it reaches, if in any.
        reaches = Reach.objects.filter(connection__name=command.connection_name)
        return reaches.filter(account_id__in=clues).exists() or not reaches.exists()
    said = {text.casefold() for text in _texts([command.parameters, command.object_id, command.object_name])}
    return any(clue.casefold() in said for clue in clues if clue)


def _gives(command: Command, before: str, after: str, clues: Collection[str]) -> bool:
    if command.name == _HAND_OVER:
        # It changes the rights of two: of whom it names, and of the owner before, whom it does not name.
        return before == Rights.ADMIN or (after == Rights.ADMIN and _speaks_of(command, clues))
    rows = [command.parameters, *command.parameters.get("accounts", [])]
    return any(row.get("account_id") in clues and row.get("auth") == after for row in rows)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
