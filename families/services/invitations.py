"""What people do to bring others into a family."""

from datetime import datetime

from django.db import DatabaseError, transaction
from django.utils import timezone

from families.models import Family, FamilyInvitation, Member
from families.selectors import pending_invitations
from families.services.acting import Budget, may_act_in, reach_of
from families.services.members.household import Household
from portal import waiting
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import Command
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action, Performed
from portal.upstream.answers import Answer
from portal.upstream.client import Client
from portal.upstream.errors import NotSent
from portal.web.presses import PressInvalid

INVITE_COMMAND = "invite_family_account"
INVITE_EVENT = "member.invite"
FORGET_EVENT = "member.invitation_forget"
KEEP_EVENT = "member.invitation_keep"


class AlreadyMember(Exception):
    """The address belongs to somebody in the family: nothing was sent."""

    def __init__(self, member: Member) -> None:
        super().__init__(member.public_id)
        self.member = member


class AlreadyInvited(Exception):
    """An invitation to the address is, or may be, on its way: ask before sending another. Nothing was sent."""

    def __init__(self, invitation: FamilyInvitation) -> None:
        super().__init__(str(invitation.pk))
        self.invitation = invitation


class NotWaiting(Exception):
    """The invitation was accepted, forgotten, or changed so by somebody else meanwhile. Nothing was done."""


def invite_member(
    actor: User, *, family: Family, email: str, auth: str, press: str, confirmed: bool = False
) -> Performed:
    """Invite an address into the family as ``user`` or ``guest``; the command's state says what is known of it.

    ``family`` was fetched through ``visible_to(actor)``; ``email`` and ``auth`` are checked already. Without an
    answer it is unknown whether the invitation went out, and no read can tell: the caller must not offer to
    send it again by itself. Raises AlreadyMember, AlreadyInvited unless ``confirmed``, MemberRefused where somebody
    else brings the same address in at this moment, PermissionDenied, NoConnection, trail.AuditUnavailable, and PressInvalid for a repeat that asks for something else than its
    press sent: nothing was sent then; and trail.OutcomeNotRecorded. Cost: 1 upstream call (invite_family_account).
    """
    may_act_in(actor, family)

    def check() -> None:
        _ask_when_known(actor, family, email, press, confirmed=confirmed)
        Household.of(family).check_address(email, press)

    if not Command.objects.filter(press=press).exists():
        check()
    reach = reach_of(family)
    parameters = {"email": email, "auth": auth}
    budget = Budget()

    def send(client: Client, command_id: str) -> Answer[None]:
        # Before it is sent: an invitation whose outcome never came must be shown as one that may be out.
        try:
            with waiting.until(budget.ends):
                FamilyInvitation.objects.create(
                    family=family,
                    command=Command.objects.get(command_id=command_id),
                    email=email,
                    auth=auth,
                    sent_by=actor,
                )
        except (DatabaseError, OSError) as error:
            raise NotSent("the invitation could not be written down", command=INVITE_COMMAND) from error
        return client.invite_family_account(
            residence_id=family.residence_id,
            email=email,
            auth=auth,
            command_id=command_id,
            deadline_seconds=budget.left(),
        )

    performed = calling.perform(
        By.person(actor),
        reach.connection,
        Action(
            INVITE_COMMAND,
            INVITE_EVENT,
            About(family.pk, family.name, "invitation", "", email),
            press,
            parameters,
            check=check,
        ),
        send,
    )
    if performed.is_repeat and performed.command.parameters != parameters:
        raise PressInvalid("the press invited somebody else")
    return performed


def send_again(actor: User, *, invitation: FamilyInvitation, press: str) -> Performed:
    """Send an invitation that nobody has accepted once more: a command of its own. The earlier one stays on record.

    ``invitation`` was fetched for ``actor`` by families.selectors.invitations.get_invitation. Raises NotWaiting, and
    what invite_member raises. Cost: 1 upstream call (invite_family_account).
    """
    if not Command.objects.filter(press=press).exists():
        invitation.refresh_from_db(fields=["accepted_at", "forgotten_at"])
        if not _is_waiting(invitation) or invitation.command.is_open:
            raise NotWaiting
    return invite_member(
        actor,
        family=invitation.family,
        email=invitation.email,
        auth=invitation.auth,
        press=press,
        confirmed=True,
    )


def forget(actor: User, *, invitation: FamilyInvitation) -> None:
    """Stop looking after an invitation, and those before it to the same address; nothing is sent.

    Design decision: the upstream takes no invitation back. Whoever has it may still join by it, and is then marked as
    having accepted. Raises PermissionDenied, NotWaiting, and AuditUnavailable: nothing was changed then.
    """
    _mark(actor, invitation, FORGET_EVENT, timezone.now())


def keep(actor: User, *, invitation: FamilyInvitation) -> None:
    """Look after a forgotten invitation again, and those that were forgotten with it; raises what forget does."""
    _mark(actor, invitation, KEEP_EVENT, None)


def _mark(actor: User, invitation: FamilyInvitation, event: str, moment: datetime | None) -> None:
    may_act_in(actor, invitation.family)
    family = invitation.family
    same = FamilyInvitation.objects.visible_to(actor).filter(
        family=family, email__iexact=invitation.email, accepted_at=None
    )
    if actor.is_family_admin:
        same = same.filter(sent_by=actor)
    if moment is None:
        same = same.filter(forgotten_at=invitation.forgotten_at, forgotten_at__isnull=False)
    else:
        same = same.filter(forgotten_at=None)
    with trail.writing("the trail"), transaction.atomic():
        if not FamilyInvitation.objects.filter(pk__in=list(same.values_list("pk", flat=True))).update(
            forgotten_at=moment
        ):
            raise NotWaiting
        about = About(family.pk, family.name, "invitation", invitation.public_id, invitation.email)
        trail.record(event, By.person(actor), about)


def _is_waiting(invitation: FamilyInvitation) -> bool:
    return invitation.accepted_at is None and invitation.forgotten_at is None


def _ask_when_known(actor: User, family: Family, email: str, press: str, *, confirmed: bool) -> None:
    member = Member.objects.filter(family=family, gone_at=None, email__iexact=email).first()
    if member is not None:
        raise AlreadyMember(member)
    # One that the very same press sends at this moment is no second one.
    others = pending_invitations(actor, family).exclude(command__press=press)
    invitation = others.filter(email__iexact=email).first()
    if invitation is not None and not confirmed:
        raise AlreadyInvited(invitation)
