"""The members of families, and what their own answer says of the families themselves."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from families.models import Change, Family, FamilyInvitation, Grant, Member, Reach
from families.sync.changes import ChangeKind, Explanations
from families.sync.lists import LONGEST_ID, TOLD_FIELDS, lock_families, tell_family
from families.sync.readings import Reading
from portal.audit.models import State
from portal.audit.trail import About, By, record
from portal.text import searchable
from portal.upstream.client import Answer, Client
from portal.upstream.types import Account, FamilyInfo

LONGEST_AUTH = 64
# A row that is missing is gone after so many answers that agree; where the whole list is empty, after more.
ANSWERS_UNTIL_GONE = 2
EMPTY_ANSWERS_UNTIL_GONE = 3
_BROUGHT_NOBODY = (State.REFUSED, State.NOT_SENT)


class Members:
    """Keeper of the members; their ``last_seen_at`` is written when one goes missing, as a family's is."""

    state_fields: Sequence[str] = ()

    def read(self, client: Client, residence_id: str) -> Answer[FamilyInfo]:
        """get_family_info."""
        return client.get_family_info(residence_id=residence_id)

    def prepare(self, reading: Reading) -> None:
        """Nothing."""

    def write(self, readings: Sequence[Reading]) -> Mapping[str, int]:
        """Write the members of these families as the answers have them, and what changed outside the portal."""
        return _Writing(readings).write()


def distinct(accounts: Sequence[Account]) -> tuple[dict[str, Account], list[str]]:
    """The accounts by id, the first where one stands twice, and the names of those set aside."""
    kept: dict[str, Account] = {}
    aside = []
    for account in accounts:
        if len(account.account_id) > LONGEST_ID or len(account.auth) > LONGEST_AUTH:
            aside.append(f"account {account.account_name[:60]!r}: its id or rights are too long")
        elif account.account_id in kept:
            aside.append(f"account {account.account_id} stands twice, the first was taken")
        else:
            kept[account.account_id] = account
    return kept, aside


@dataclass
class _Writing:
    """One transaction's answers, and what they come to."""

    readings: Sequence[Reading]
    new: list[Member] = field(default_factory=list)
    changed: list[Member] = field(default_factory=list)
    gone: list[Member] = field(default_factory=list)
    # Each with the address of who joined: an invitation of ours, however old, explains it.
    changes: list[tuple[Change, str]] = field(default_factory=list)
    present: dict[int, Collection[Account]] = field(default_factory=dict)

    def write(self) -> Mapping[str, int]:
        ids = [reading.family_id for reading in self.readings]
        families = lock_families(ids)
        known: defaultdict[int, dict[str, Member]] = defaultdict(dict)
        for member in Member.objects.filter(family__in=ids):
            known[member.family_id][member.account_id] = member
        explanations = Explanations(ids)
        told = []
        for reading in self.readings:
            family = families[reading.family_id]
            info: FamilyInfo = reading.answer.result
            is_changed, change = tell_family(
                family,
                info.family_name,
                is_online=info.online,
                is_installed=info.installed,
                reading=reading,
                known=explanations,
            )
            if is_changed:
                told.append(family)
            if change:
                self.changes.append((change, ""))
            self._compare(reading, family, known[family.pk], info, explanations)
        Family.objects.bulk_update(told, TOLD_FIELDS)
        self._store()
        self._store_rights()
        self._accept_invitations()
        self._suspend_grants(families)
        return {"members": len(self.new)}

    def _compare(
        self,
        reading: Reading,
        family: Family,
        known: Mapping[str, Member],
        info: FamilyInfo,
        explanations: Explanations,
    ) -> None:
        accounts, aside = distinct(info.accounts)
        reading.set_aside(aside)
        self.present[family.pk] = accounts.values()
        # The first answer finds everybody; nobody joined by that.
        is_first = reading.earlier_good_at is None and not known
        for account_id, account in accounts.items():
            member = known.get(account_id)
            if member is None:
                member = Member(
                    family=family,
                    account_id=account_id,
                    first_seen_at=reading.answered_at,
                    last_seen_at=reading.answered_at,
                )
                _take_over(member, account)
                self.new.append(member)
                if not is_first:
                    self._note_joined(reading, family, member, explanations)
            else:
                self._compare_one(reading, family, member, account, explanations)
        missing = [member for pk, member in known.items() if pk not in accounts and member.gone_at is None]
        if missing:
            self._count_missing(reading, family, missing, is_empty=not accounts, explanations=explanations)

    def _compare_one(
        self,
        reading: Reading,
        family: Family,
        member: Member,
        account: Account,
        explanations: Explanations,
    ) -> None:
        before = (member.name, member.auth)
        was_gone, was_missing = member.gone_at is not None, member.missing_answers > 0
        is_changed = _take_over(member, account)
        if was_gone or was_missing:
            member.missing_answers, member.missing_since, member.gone_at = 0, None, None
            is_changed = True
        if is_changed:
            self.changed.append(member)
        if was_gone:
            self._note_joined(reading, family, member, explanations)
            return
        if member.auth != before[1] and not explanations.explain_rights(
            family.pk, before[1], member.auth, *_clues(member)
        ):
            self._note(reading, family, ChangeKind.RIGHTS, member.name, before[1], member.auth)
        if member.name != before[0]:
            self._note(reading, family, ChangeKind.MEMBER_RENAMED, before[0], before[0], member.name)

    def _count_missing(
        self,
        reading: Reading,
        family: Family,
        missing: Sequence[Member],
        *,
        is_empty: bool,
        explanations: Explanations,
    ) -> None:
        """A removal that we commanded counts at once; else only answers that agree do, and only whole ones."""
        reading.look_again()
        if reading.state.not_understood:
            return
        needed = EMPTY_ANSWERS_UNTIL_GONE if is_empty else ANSWERS_UNTIL_GONE
        for member in missing:
            if member.missing_answers == 0:
                member.missing_since = reading.answered_at
                member.last_seen_at = reading.earlier_good_at or member.last_seen_at
            member.missing_answers += 1
            is_ours = explanations.explain(ChangeKind.LEFT, family.pk, *_clues(member))
            if is_ours or member.missing_answers >= needed:
                member.gone_at = reading.answered_at
                self.gone.append(member)
                if not is_ours:
                    change = self._note(reading, family, ChangeKind.LEFT, member.name, member.auth, "")
                    # It is believed at a later answer than the first that told of it.
                    change.happened_after, change.happened_by = member.last_seen_at, member.missing_since
            self.changed.append(member)

    def _note_joined(
        self, reading: Reading, family: Family, member: Member, explanations: Explanations
    ) -> None:
        if not explanations.explain(ChangeKind.JOINED, family.pk, *_clues(member)):
            self._note(reading, family, ChangeKind.JOINED, member.name, "", member.auth, member.email)

    def _note(
        self,
        reading: Reading,
        family: Family,
        kind: ChangeKind,
        subject: str,
        before: str,
        after: str,
        email: str = "",
    ) -> Change:
        change = Change(
            family=family,
            kind=kind,
            subject=subject,
            before=before,
            after=after,
            at=reading.answered_at,
            happened_after=reading.earlier_good_at,
            happened_by=reading.answered_at,
        )
        self.changes.append((change, email.casefold()))
        return change

    def _store(self) -> None:
        Member.objects.bulk_create(self.new)
        fields = [
            *_TAKEN_OVER,
            "search_text",
            "last_seen_at",
            "missing_answers",
            "missing_since",
            "gone_at",
        ]
        Member.objects.bulk_update(self.changed, fields, batch_size=100)

    def _store_rights(self) -> None:
        """What the account of each connection may do in the family: only the members' answer says it."""
        changed = []
        for reach in Reach.objects.filter(family__in=list(self.present), gone_at=None):
            accounts = self.present[reach.family_id]
            auth = next((one.auth for one in accounts if one.account_id == reach.account_id), "")
            if auth != reach.auth:
                reach.auth = auth
                changed.append(reach)
        Reach.objects.bulk_update(changed, ["auth"])

    def _accept_invitations(self) -> None:
        """Invitations of ours whose address is among the members now; what they explain is no change."""
        invited: set[tuple[int, str]] = set()
        accepted = []
        now = timezone.now()
        has_joined = any(email for _, email in self.changes)
        # One that was refused, or never left, brought nobody in.
        invitations = FamilyInvitation.objects.filter(family__in=list(self.present)).exclude(
            command__state__in=_BROUGHT_NOBODY
        )
        for invitation in invitations if has_joined else invitations.filter(accepted_at=None):
            key = (invitation.family_id, invitation.email.casefold())
            invited.add(key)
            addresses = {account.email.casefold() for account in self.present[invitation.family_id]}
            if invitation.accepted_at is None and key[1] in addresses:
                invitation.accepted_at = now
                accepted.append(invitation)
        FamilyInvitation.objects.bulk_update(accepted, ["accepted_at"])
        Change.objects.bulk_create(
            [change for change, email in self.changes if (change.family_id, email) not in invited]
        )

    def _suspend_grants(self, families: Mapping[int, Family]) -> None:
        """Who is no longer a member looks after the household no longer; managers read it in the trail."""
        if not self.gone:
            return
        held = Grant.objects.filter(member__in=self.gone, suspended_at=None).select_related("person")
        for grant in list(held):
            if Grant.objects.filter(pk=grant.pk, suspended_at=None).update(suspended_at=timezone.now()):
                family = families[grant.family_id]
                about = About(family.pk, family.name, "person", grant.person.public_id, str(grant.person))
                record("grant.suspended", By.system(), about, reason="the member is gone from the family")


_TAKEN_OVER = ("account_name", "first_name", "last_name", "email", "auth")


def _take_over(member: Member, account: Account) -> bool:
    """Take over what the answer says of the member; whether anything is different."""
    before = tuple(getattr(member, name) for name in _TAKEN_OVER)
    for name in _TAKEN_OVER:
        setattr(member, name, getattr(account, name))
    member.search_text = searchable(member.first_name, member.last_name, member.account_name, member.email)
    return before != tuple(getattr(account, name) for name in _TAKEN_OVER)


def _clues(member: Member) -> tuple[str, ...]:
    return (member.account_id, member.public_id, member.email)
