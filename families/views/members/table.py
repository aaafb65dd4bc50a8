"""The people of a family as the table shows them, with what may be done to each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from families.models import Family, Member, Rights
from families.selectors.detail import Person
from families.selectors.members import members_as_of, own_members
from families.selectors.reaching import organisations_reaches
from portal.accounts.requests import SignedInRequest
from portal.web.access import may_visit
from portal.web.presses import new_press

OTHER = {Rights.USER.value: Rights.GUEST.value, Rights.GUEST.value: Rights.USER.value}


@dataclass(frozen=True)
class MemberRow:
    """A member in the table. ``offers`` are the rights that may be given, each by one press; none where nothing may
    be done to them: the owner, the portal's own account, and for who only looks."""

    member: Member
    is_ours: bool
    is_oneself: bool
    offers: Sequence[str]
    press: str

    @property
    def may_be_chosen(self) -> bool:
        """Whether they may be changed or removed."""
        return bool(self.offers)


@dataclass(frozen=True)
class Undo:
    """The way back after a change of rights: ``auth`` is what they were before."""

    member: Member
    auth: str
    press: str


def rights_purpose(member: Member) -> str:
    """What a press that changes a member's rights is signed for."""
    return f"rights:{member.public_id}"


def table_context(
    request: SignedInRequest, family: Family, people: Sequence[Person], *, may_act: bool
) -> dict[str, Any]:
    """What families/_family_people.html takes, beside the overview. Two queries at most."""
    oneself = own_members(request.user, family, [person.member for person in people])
    rows = [_row(request, person, oneself, may_act=may_act) for person in people]
    changed = request.GET.get("changed", "") if may_act else ""
    return {
        "member_rows": rows,
        "is_owner": any(row.is_oneself and row.member.auth == Rights.ADMIN for row in rows),
        "may_choose": sum(row.may_be_chosen for row in rows) > 1,
        "members_read_at": members_as_of(family),
        "undo": next((undo_of(request, row) for row in rows if row.member.public_id == changed), None),
        **_other_ways(request, family, people, may_act=may_act),
    }


def undo_of(request: SignedInRequest, row: MemberRow) -> Undo | None:
    """The way back from what this member is now; None where nobody can say what they were."""
    auth = OTHER.get(row.member.auth) if row.offers else None
    if auth is None:
        return None
    return Undo(row.member, auth, new_press(request.user.id, rights_purpose(row.member)))


def _row(request: SignedInRequest, person: Person, oneself: set[int], *, may_act: bool) -> MemberRow:
    member = person.member
    is_free = may_act and not person.is_ours and member.auth != Rights.ADMIN
    offers = [auth for auth in OTHER if auth != member.auth] if is_free else []
    press = new_press(request.user.id, rights_purpose(member)) if offers else ""
    return MemberRow(member, person.is_ours, member.pk in oneself, offers, press)


def _other_ways(
    request: SignedInRequest, family: Family, people: Sequence[Person], *, may_act: bool
) -> dict[str, str]:
    """The managers' rarer ways to change who is in a family: their addresses, "" for who may not."""
    found = {"add_url": "", "hand_over_url": "", "join_url": ""}
    if may_act and may_visit(request.user, "families:member_create"):
        found["add_url"] = reverse("families:member_create", args=[family.public_id])
    if may_act and may_visit(request.user, "families:family_hand_over"):
        found["hand_over_url"] = reverse("families:family_hand_over", args=[family.public_id])
    is_reached = any(person.is_ours for person in people) or not may_visit(
        request.user, "families:family_join"
    )
    if not is_reached and not organisations_reaches([family.pk]).exists():
        found["join_url"] = f"{reverse('families:family_join')}?family={family.public_id}"
    return found
