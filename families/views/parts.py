"""What the views of a family share: finding it, and what its templates take."""

from typing import Any

from django.http import Http404
from django.urls import reverse

from families import selectors
from families.forms.families import InviteForm, NameForm
from families.models import Family, FamilyInvitation, Member
from families.selectors.access import get_access
from families.selectors.telling import Pending
from families.views.members.table import table_context
from portal.accounts.requests import SignedInRequest
from portal.web.presses import new_press


def find_family(request: SignedInRequest, family_id: str) -> Family:
    """The family, or a 404 unless it is this person's to see."""
    try:
        return selectors.get_family(request.user, family_id)
    except Family.DoesNotExist:
        raise Http404 from None


def may_act(request: SignedInRequest, family: Family) -> bool:
    """Whether forms are offered; the services check again."""
    return bool(request.user.may_act) and family.gone_at is None


def name_purpose(family: Family) -> str:
    """What a press of the name's form is signed for."""
    return f"rename:{family.public_id}"


def invite_purpose(family: Family) -> str:
    """What a press of the invitation's form is signed for."""
    return f"invite:{family.public_id}"


def again_purpose(invitation: FamilyInvitation) -> str:
    """What a press that sends an invitation again is signed for."""
    return f"invite-again:{invitation.public_id}"


def edit_address(family: Family, form: str) -> str:
    """The family's page with one form open, for those without a script."""
    anchor = "#member-invite" if form == "invitation" else ""
    return f"{reverse('families:family_detail', args=[family.public_id])}?edit={form}{anchor}"


def name_context(request: SignedInRequest, family: Family, form: NameForm | None) -> dict[str, Any]:
    """What families/_family_name.html takes."""
    return {
        "family": family,
        "may_act": may_act(request, family),
        "name_form": form,
        "name_press": new_press(request.user.id, name_purpose(family)) if form is not None else "",
    }


def invite_context(request: SignedInRequest, family: Family, form: InviteForm | None) -> dict[str, Any]:
    """What families/_member_invite.html takes."""
    return {
        "family": family,
        "may_act": may_act(request, family),
        "invite_form": form,
        "invite_press": new_press(request.user.id, invite_purpose(family)) if form is not None else "",
    }


def invitation_row(request: SignedInRequest, pending: Pending) -> tuple[Pending, str]:
    """An invitation with a fresh token to send it again, "" where it is not the person's to send."""
    press = new_press(request.user.id, again_purpose(pending.invitation)) if pending.may_change else ""
    return pending, press


def invitations_context(request: SignedInRequest, family: Family) -> dict[str, Any]:
    """What families/_family_invitations.html takes."""
    found = selectors.list_invitations(request.user, family)
    rows = [invitation_row(request, pending) for pending in found]
    return {
        "family": family,
        "waiting": [row for row in rows if row[0].invitation.forgotten_at is None],
        "forgotten": [row for row in rows if row[0].invitation.forgotten_at is not None],
    }


def access_context(request: SignedInRequest, family: Family) -> dict[str, Any]:
    """What families/_family_access.html takes."""
    access = get_access(request.user, family)
    members = access.invitable if access else []
    return {
        "access": access,
        "invitable": [(one, new_press(request.user.id, portal_purpose(one))) for one in members],
    }


def portal_purpose(member: Member) -> str:
    """What a press that invites a member to the portal is signed for."""
    return f"invite-member:{member.public_id}"


def people_context(
    request: SignedInRequest, family: Family, *, invite_form: InviteForm | None = None
) -> dict[str, Any]:
    """What families/_family_detail.html takes."""
    overview = selectors.get_overview(request.user, family)
    return {
        "overview": overview,
        **invitations_context(request, family),
        **table_context(request, family, overview.people, may_act=may_act(request, family)),
        **access_context(request, family),
        **invite_context(request, family, invite_form),
    }
