"""Joining the portal: the link of an invitation, and what becomes of the person who takes it up."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.dispatch import Signal
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import Invitation, User
from portal.accounts.people import verify_address

VALID_FOR = timedelta(hours=72)
SECRET_BYTES = 32

# Design decision: a signal, because the trail stands above accounts in the layers, as it does for signing in. It is
# sent in the transaction of the joining: a receiver that raises lets nobody in.
joined = Signal()


class InvitationOver(Exception):
    """The link was used, taken back or too old by the time it was taken up: nothing was changed."""


def issue(person: User, *, sent_by: User | None, press: str | None = None) -> tuple[Invitation, str]:
    """A fresh invitation for somebody who has not joined, and its link; every earlier link of theirs is dead.

    The link is nowhere else: only the digest of its secret is kept. To be called in the transaction that puts it
    on the trail.
    """
    revoke(person)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    invitation = Invitation.objects.create(
        person=person,
        email=person.email,
        role=person.role,
        secret_digest=_digest(secret),
        sent_by=sent_by,
        expires_at=timezone.now() + VALID_FOR,
        press=press or None,
    )
    return invitation, f"{settings.PUBLIC_URL}{reverse('accounts:invitation_join', args=[secret])}"


def revoke(person: User) -> int:
    """Make every link that still works for this person a dead one; return how many there were."""
    return Invitation.objects.open().filter(person=person).update(revoked_at=timezone.now())


def find_invitation(secret: str) -> Invitation | None:
    """The invitation of a link that works, with its person; None for anything else, whatever the reason.

    A link holds for the address and the role it was sent for, and for nobody who has joined already.
    """
    found = Invitation.objects.open().filter(secret_digest=_digest(secret)).select_related("person").first()
    return found if found is not None and _fits(found, found.person) else None


def join(invitation: Invitation, *, name: str, password: str, time_zone: str) -> User:
    """Take an invitation up: from now on the person may sign in, with this name and password.

    ``password`` was checked. Of two at once one joins; the other gets InvitationOver, and so does whoever comes
    too late. Sends ``joined``, whose receivers may refuse by raising.
    """
    # Hashing takes its time on purpose, and nobody should wait for it.
    hashed = make_password(password)
    with transaction.atomic():
        person = _taken_up(invitation.person_id, invitation.pk)
        person.name, person.time_zone, person.password = name, time_zone, hashed
        _let_in(person, "link")
    return person


def may_join_by_verified_address(email: str) -> User | None:
    """The person whom a sign-in elsewhere with this verified address lets in for the first time; None where nobody is.

    Theirs is an invitation that has not ended: being invited once is not enough.
    """
    open_now = Invitation.objects.open().filter(email__iexact=email.strip()).select_related("person")
    return next((one.person for one in open_now if _fits(one, one.person)), None)


def join_by_address(user: User) -> User:
    """Take up the invitation of somebody whose address another sign-in has verified; they get no password here.

    Raises InvitationOver when it has ended meanwhile.
    """
    with transaction.atomic():
        found = Invitation.objects.open().filter(person=user).order_by("-sent_at").first()
        if found is None:
            raise InvitationOver
        person = _taken_up(user.pk, found.pk)
        _let_in(person, "address")
    return person


def _taken_up(person_id: int, invitation_id: int) -> User:
    """The person, locked, after their invitation was used up; raises InvitationOver."""
    person = User.objects.select_for_update().filter(pk=person_id).first()
    if person is None or person.joined_at is not None:
        raise InvitationOver
    # The one statement that decides who comes first, and whether it still holds.
    mine = Invitation.objects.open().filter(pk=invitation_id, email=person.email, role=person.role)
    if not mine.update(used_at=timezone.now()):
        raise InvitationOver
    return person


def _let_in(person: User, way: str) -> None:
    person.is_active, person.joined_at = True, timezone.now()
    person.save()
    verify_address(person)
    revoke(person)
    joined.send(sender=User, person=person, way=way)


def _fits(invitation: Invitation, person: User) -> bool:
    return person.joined_at is None and (invitation.email, invitation.role) == (person.email, person.role)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
