"""Invites people to the portal, invites them again, and takes an invitation back."""

from dataclasses import dataclass
from smtplib import SMTPException

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import PropertyLimit
from families.selectors.scopes import scope_words
from families.services.people import granting, rights
from families.services.people.standing import Standing
from portal.accounts import joining, people
from portal.accounts.mails import send_mail
from portal.accounts.models import Invitation, User
from portal.accounts.people import PersonRefused
from portal.audit import trail
from portal.audit.trail import About, By


class AlreadyThere(PersonRefused):
    """Somebody with this address is in the portal already, invited or joined."""

    def __init__(self, person: User) -> None:
        super().__init__(_("%(email)s is in Gatehouse already.") % {"email": person.email})
        self.person = person


class HasJoined(PersonRefused):
    """The person has joined meanwhile: there is no invitation to send or to take back."""

    def __init__(self, person: User) -> None:
        super().__init__(_("%(person)s has joined already.") % {"person": person})


@dataclass(frozen=True)
class Sent:
    """What became of inviting. ``link`` is told once: a repeat of the same press has none, and sent nothing."""

    person: User
    link: str = ""
    is_mailed: bool = False
    is_repeat: bool = False
    invitation: Invitation | None = None


def invite_person(
    by: By, email: str, standing: Standing, *, name: str = "", press: str = "", by_mail: bool = True
) -> Sent:
    """Invite somebody new: they stand in the portal from now on, and may sign in once they have joined.

    The invitation is mailed after it was committed: when that fails, the person stands all the same. Raises
    PermissionDenied, PersonRefused for an address that is none, AlreadyThere, TermRefused.
    """
    email = people.checked_email(email)
    with transaction.atomic():
        rights.lock(by)
        rights.check_may_give(by, standing)
        earlier = sent_by(press)
        if earlier is not None:
            return earlier
        person = new_person(email, name, standing)
        if standing.properties:
            PropertyLimit.objects.bulk_create(
                [PropertyLimit(person=person, property=one) for one in standing.properties]
            )
        changes = granting.begin(person, standing.families, standing.term)
        invitation, link = joining.issue(person, sent_by=by.user, press=press)
        trail.record("person.invite", by, about(person), parameters=describe(person))
        granting.record(by, person, changes)
    return Sent(person, link, by_mail and mail(invitation, link))


def resend_invitation(by: By, person: User, *, press: str = "", by_mail: bool = True) -> Sent:
    """Send another link to somebody who has not joined; every earlier one is dead from now on.

    Raises PermissionDenied, Gone and HasJoined.
    """
    with transaction.atomic():
        person = rights.lock_person(by, person)
        rights.check_may_manage(by, person)
        earlier = sent_by(press)
        if earlier is not None:
            return earlier
        invitation, link = send_again(by, person, press)
    return Sent(person, link, by_mail and mail(invitation, link))


def send_again(by: By, person: User, press: str = "") -> tuple[Invitation, str]:
    """A new link for somebody who is locked, on the trail; raises HasJoined. Mailing it is left to the caller."""
    if person.joined_at is not None:
        raise HasJoined(person)
    invitation, link = joining.issue(person, sent_by=by.user, press=press)
    trail.record("person.invite_again", by, about(person), parameters={"role": person.role})
    return invitation, link


def revoke_invitation(by: By, person: User) -> None:
    """Take an invitation back: the link is dead and the person is gone, as if they had never been invited.

    Design decision: nobody who has joined is ever deleted, but one who has not leaves nothing that anything hangs
    on. An address with a slip in it would stand in every list for good. The trail keeps who it was, as text.
    Raises PermissionDenied, Gone and HasJoined.
    """
    with transaction.atomic():
        person = rights.lock_person(by, person)
        rights.check_may_manage(by, person)
        if person.joined_at is not None:
            raise HasJoined(person)
        was, parameters = about(person), describe(person)
        person.delete()
        trail.record("person.invite_revoke", by, was, parameters=parameters)


def mail(invitation: Invitation, link: str) -> bool:
    """Mail the link; False where the mail could not be handed over. No transaction is held meanwhile."""
    person = invitation.person
    context = {
        "person": str(person),
        "inviter": str(invitation.sent_by or "Gatehouse"),
        "role": person.get_role_display(),
        "scope": scope_words(person),
        "link": link,
        "hours": round(joining.VALID_FOR.total_seconds() / 3600),
    }
    try:
        send_mail("invitation", [person.email], context)
    except (OSError, SMTPException):
        return False
    Invitation.objects.filter(pk=invitation.pk).update(mailed_at=timezone.now())
    return True


def about(person: User) -> About:
    """A person as the trail names them."""
    return About(kind="person", id=person.public_id, name=person.email)


def describe(person: User) -> dict[str, object]:
    """What a person is, as the trail tells it; their families stand in entries of their own."""
    limits = PropertyLimit.objects.filter(person=person).values_list("property__name", flat=True)
    return {
        "name": person.name,
        "role": str(person.role),
        "is_limited": person.is_limited,
        "is_active": person.is_active,
        "properties": sorted(limits),
    }


def new_person(email: str, name: str, standing: Standing) -> User:
    """Somebody who has yet to join; raises AlreadyThere."""
    there = User.objects.filter(email__iexact=email).first()
    if there is not None:
        raise AlreadyThere(there)
    person = User(email=email, name=name, role=standing.role, is_limited=standing.is_limited, is_active=False)
    person.set_unusable_password()
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError:
        # Somebody else invited the same address at the same moment.
        raise AlreadyThere(User.objects.get(email__iexact=email)) from None
    return person


def sent_by(press: str) -> Sent | None:
    """What this press has sent already."""
    found = Invitation.objects.filter(press=press).select_related("person").first() if press else None
    return Sent(found.person, is_mailed=found.mailed_at is not None, is_repeat=True) if found else None
