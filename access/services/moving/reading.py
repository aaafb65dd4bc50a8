"""Reads everything back, says of each item whether it is gone or left, and keeps the record of that.

A record is never changed. Its text is the whole of it in a canonical form; the digest of the text stands in an entry of the trail,
and the record of before in it: whoever changes a record, or takes one away, is found out by the chain.
"""

import hashlib
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from access.models import (
    ItemKind,
    ItemState,
    MoveOut,
    MoveOutItem,
    MoveOutReading,
    MoveOutState,
    VisitorLink,
)
from access.services.moving import passing
from access.services.moving.beginning import about, take_in
from access.services.moving.passing import PassesRead
from access.services.moving.upstream_steps import is_owner, read_members
from families.models import FamilyInvitation, Grant, Member
from families.scope import grants_not_over
from families.services.people import leaving as portal_side
from portal.accounts import sessions
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import By
from portal.connections import managing

# What one item looks like now: its state, and the words that say why; None where nothing new is known.
Seen = tuple[ItemState, str] | None
NOT_READ = PassesRead()


def read_back(move_out: MoveOut, by: By, actor: User, *, is_end: bool) -> MoveOutReading | None:
    """Read members and passes live, judge every item, and keep the record. ``is_end``: the steps have been taken with it.

    None, and nothing is kept, where it is no end and meanwhile somebody else has looked, or lets it be tried again: what is
    about to be tried must not be called left.

    What could not be read is as it was known before, and the record says so. Whoever joined, and whatever was made, while
    the steps were taken is in the record too: left, for nothing was done about it. Cost: 2 upstream calls (get_family_info,
    get_akuvox_open_door_temp_key_config).
    """
    before = MoveOutReading.objects.filter(move_out=move_out).count()
    has_members = read_members(move_out.family)
    passes = passing.read_live(actor, move_out.family)
    # Only at the first end: by another try the next household may live there.
    if is_end and move_out.ended_at is None:
        take_in(move_out)
    judged = [
        (item, judge(move_out, item, has_members=has_members, passes=passes)) for item in list_items(move_out)
    ]
    with transaction.atomic():
        now = timezone.now()
        is_running = MoveOut.objects.select_for_update().get(pk=move_out.pk).state == MoveOutState.RUNNING
        is_later = MoveOutReading.objects.filter(move_out=move_out).count() != before
        if not is_end and (is_running or is_later):
            return None
        for item, seen in judged:
            if seen is None and item.state == ItemState.PLANNED:
                seen = ItemState.UNKNOWN, _("It came while the others went, and could not be read back.")
            _take_over(item, seen, now)
        if is_end:
            _end(move_out, by)
        event = "move_out.record" if is_end else "move_out.checked"
        return keep(move_out, by, event=event, has_members=has_members, has_passes=passes.is_done)


def keep(move_out: MoveOut, by: By, *, event: str, has_members: bool, has_passes: bool) -> MoveOutReading:
    """Keep the record of how every item stands, with its entry of the trail, in the caller's transaction.

    ``event`` is one of verifying.RECORDS: what it was kept for.
    """
    with transaction.atomic():
        now = timezone.now()
        items = list_items(move_out)
        counts = Counter(item.state for item in items)
        number = MoveOutReading.objects.filter(move_out=move_out).count() + 1
        text = told(move_out, items, number, now, by.name, has_members=has_members, has_passes=has_passes)
        digest = digest_of(text)
        totals = {
            "gone": counts[ItemState.GONE],
            "left": counts[ItemState.LEFT],
            "unknown": counts[ItemState.UNKNOWN] + counts[ItemState.PLANNED],
        }
        parameters = {"record": number, "digest": digest, **totals}
        entry = trail.record(event, by, about(move_out), parameters=parameters)
        return MoveOutReading.objects.create(
            move_out=move_out,
            number=number,
            at=now,
            by_name=by.name,
            has_members=has_members,
            has_passes=has_passes,
            gone=totals["gone"],
            left=totals["left"],
            unknown=totals["unknown"],
            text=text,
            digest=digest,
            entry=entry.number,
        )


def judge(
    move_out: MoveOut,
    item: MoveOutItem,
    *,
    has_members: bool = False,
    passes: PassesRead = NOT_READ,
) -> Seen:
    """What our tables say of an item now; what was read just now and is there, is there."""
    match item.kind:
        case ItemKind.GRANT:
            return _of_grant(item)
        case ItemKind.SESSION:
            return _of_session(item)
        case ItemKind.PORTAL_INVITATION:
            return _of_portal_invitation(item)
        case ItemKind.PERSONAL_CONNECTION:
            return _of_connection(move_out, item)
        case ItemKind.PASS:
            return _of_pass(item, passes)
        case ItemKind.VISITOR_LINK:
            return _of_link(item)
        case ItemKind.OWNERSHIP:
            return _of_ownership(item, is_read=has_members)
        case ItemKind.MEMBER:
            return _of_member(item, is_read=has_members)
        case ItemKind.UPSTREAM_INVITATION:
            return _of_invitation(move_out, item)
        case _:
            return None


def list_items(move_out: MoveOut) -> list[MoveOutItem]:
    """Every item in its order, with what it is about."""
    found = MoveOutItem.objects.filter(move_out=move_out).select_related(
        "person", "member", "temp_key", "command"
    )
    return list(found.order_by("number"))


def told(
    move_out: MoveOut,
    items: list[MoveOutItem],
    number: int,
    at: datetime,
    by_name: str,
    *,
    has_members: bool,
    has_passes: bool,
) -> str:
    """The record as one canonical text."""
    before = MoveOutReading.objects.filter(move_out=move_out, number=number - 1).first()
    record: dict[str, Any] = {
        "move_out": move_out.public_id,
        "family": move_out.family.public_id,
        "family_name": move_out.family_name,
        "made_by": move_out.made_by_name,
        "made_at": _instant(move_out.made_at),
        "reason": move_out.reason,
        "who": "everybody" if move_out.is_whole else "some",
        "new_owner": move_out.new_owner_name,
        "attempt": move_out.attempt,
        "record": number,
        "at": _instant(at),
        "by": by_name,
        "members_read": has_members,
        "passes_read": has_passes,
        "record_before": before.digest if before else "",
        "items": [_told_item(item) for item in items],
    }
    return json.dumps(record, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def digest_of(text: str) -> str:
    """The SHA-256 of a record's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _told_item(item: MoveOutItem) -> dict[str, Any]:
    return {
        "number": item.number,
        "kind": str(item.kind),
        "subject": item.subject,
        "detail": item.detail,
        "state": str(item.state),
        "words": item.words,
        "looked_at": _instant(item.looked_at) if item.looked_at else "",
        "look_until": _instant(item.look_until) if item.look_until else "",
        "command": item.command.command_id if item.command_id and item.command else "",
        "entry": item.entry,
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _take_over(item: MoveOutItem, seen: Seen, now: datetime) -> None:
    if seen is None:
        return
    state, words = seen
    # What was said when it went says more than that it is not there.
    if state != item.state or not item.words:
        item.words = words
    item.state, item.looked_at = state, now
    item.save(update_fields=["state", "words", "looked_at"])


def _end(move_out: MoveOut, by: By) -> None:
    now = timezone.now()
    # Only the first end of a household's move-out lets the next one in: it may live there by the time of another try.
    is_first = move_out.is_whole and move_out.ended_at is None
    if is_first:
        kept = MoveOutItem.objects.filter(move_out=move_out, kind=ItemKind.GRANT, state=ItemState.LEFT)
        now = portal_side.end_leaving(by, move_out.family, left={int(item.key) for item in kept})
    MoveOut.objects.filter(pk=move_out.pk).update(
        state=MoveOutState.ENDED, ended_at=now, claimed_by="", claimed_until=None
    )


def _of_grant(item: MoveOutItem) -> Seen:
    found = Grant.objects.filter(pk=int(item.key)).first()
    if found is not None and grants_not_over().filter(pk=found.pk).exists():
        return ItemState.LEFT, item.words or _("They still have the family.")
    return ItemState.GONE, _("They do not have the family any more.")


def _of_session(item: MoveOutItem) -> Seen:
    # Whoever has another family may sign in again.
    if item.state == ItemState.GONE or item.person is None:
        return ItemState.GONE, _("Signed out.")
    if sessions.list_sessions(item.person):
        return ItemState.LEFT, item.words or _("They are still signed in.")
    return ItemState.GONE, _("Is signed in nowhere.")


def _of_portal_invitation(item: MoveOutItem) -> Seen:
    person = User.objects.filter(pk=item.person_id).first() if item.person_id else None
    if person is not None and person.joined_at is None:
        return ItemState.LEFT, item.words or _("The invitation still stands.")
    return ItemState.GONE, _("There is no invitation any more.")


def _of_connection(move_out: MoveOut, item: MoveOutItem) -> Seen:
    own = managing.find_own(item.person) if item.person is not None else None
    is_used = own is not None and own.paused_at is None
    if is_used and item.person and not portal_side.has_other_family(item.person, move_out.family):
        return ItemState.LEFT, item.words or _("Their connection is not paused.")
    return ItemState.GONE, _("Their connection is paused, or removed.")


def _of_pass(item: MoveOutItem, passes: PassesRead) -> Seen:
    key = item.temp_key
    if key is None:
        return None
    if key.gone_at is not None:
        return ItemState.GONE, _("The door system does not name it any more.")
    if not key.fingerprint:
        return ItemState.UNKNOWN, _("Nobody knows which of the door system’s passes it is.")
    if not passes.has_told_of(key):
        return None
    if key.missing_answers:
        return ItemState.UNKNOWN, _("The last answer did not name it. It takes a second one to be sure.")
    return ItemState.LEFT, item.words or _("The door system still names it.")


def _of_link(item: MoveOutItem) -> Seen:
    if VisitorLink.objects.filter(public_id=item.key, revoked_at=None).exists():
        return ItemState.LEFT, item.words or _("Whoever holds it can still see its pass.")
    return ItemState.GONE, _("It shows nothing any more.")


def _of_ownership(item: MoveOutItem, *, is_read: bool) -> Seen:
    if is_owner(item.member):
        if not is_read:
            return None
        return ItemState.LEFT, item.words or _("They still own the family.")
    return ItemState.GONE, _("They do not own the family any more.")


def _of_member(item: MoveOutItem, *, is_read: bool) -> Seen:
    member = item.member
    if member is None:
        return None
    if member.gone_at is not None:
        return ItemState.GONE, _("Is not in the family any more.")
    if not is_read:
        return None
    if member.missing_answers:
        return ItemState.UNKNOWN, _("The last answer did not name them. It takes a second one to be sure.")
    return ItemState.LEFT, item.words or _("Is still in the family.")


def _of_invitation(move_out: MoveOut, item: MoveOutItem) -> Seen:
    invitation = FamilyInvitation.objects.filter(public_id=item.key).first()
    if invitation is None:
        return None
    member = Member.objects.filter(
        family=move_out.family, gone_at=None, email__iexact=invitation.email
    ).first()
    if member is not None:
        return ItemState.LEFT, _("It was taken up: %(name)s is in the family.") % {"name": member.name}
    if invitation.accepted_at is not None:
        return ItemState.GONE, _("It was taken up, and they are not in the family any more.")
    return ItemState.UNKNOWN, _("It cannot be taken back, and may still be taken up.")
