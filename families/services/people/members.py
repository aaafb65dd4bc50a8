"""A family admin invites another member of the family to the portal, where a manager allowed it."""

from dataclasses import replace
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from families.models import Family, Grant, Member
from families.scope import grants_not_over
from families.services.people import granting, inviting, rights
from families.services.people.inviting import Sent
from families.services.people.standing import Standing
from portal.accounts import guessing, joining, people
from portal.accounts.models import Role, User
from portal.accounts.people import PersonRefused
from portal.audit import trail
from portal.audit.trail import By

# How often somebody who has not joined is sent another link by family admins: each one is a mail to them.
AGAIN = guessing.Limit(3, timedelta(minutes=15))


def invite_member(by: By, family: Family, member: Member, *, press: str = "") -> Sent:
    """Invite a member to look after their family in the portal, from now until the inviter's own grant ends.

    Somebody who is a family admin already gets this family beside theirs, and no link. Somebody who was invited
    this way and has not joined gets another link. They never may invite others. Raises PermissionDenied, and
    PersonRefused for a member who cannot be invited.
    """
    with transaction.atomic():
        there = User.objects.filter(email__iexact=member.email.strip()).first() if member.email else None
        person = rights.lock_person(by, there) if there is not None else None
        if person is None:
            rights.lock(by)
        mine = _right_to_invite(by, family)
        if mine is None or member.family_id != family.pk or member.gone_at is not None:
            raise PermissionDenied
        earlier = inviting.sent_by(press)
        if earlier is not None:
            return earlier
        if person is None:
            sent = _invite(by, family, member, mine, press)
        else:
            sent = _let_in(by, family, person, mine, press)
    if sent.invitation is None:
        return sent
    return replace(sent, is_mailed=inviting.mail(sent.invitation, sent.link))


def find_right_to_invite(user: User, family: Family) -> Grant | None:
    """The grant by which this person may invite members of the family now; None where they may not."""
    if not (user.is_active and user.is_family_admin):
        return None
    mine = Grant.objects.now().filter(person=user, family=family, may_invite=True, family__gone_at=None)
    return mine.order_by(F("ends_at").desc(nulls_first=True), "pk").first()


def _right_to_invite(by: By, family: Family) -> Grant | None:
    if by.user is None:
        return None
    return find_right_to_invite(User.objects.get(pk=by.user.pk), family)


def _invite(by: By, family: Family, member: Member, mine: Grant, press: str) -> Sent:
    email = people.checked_email(member.email)
    name = member.name if member.name != member.email else ""
    person = inviting.new_person(email, name[:100], Standing(Role.FAMILY_ADMIN))
    change = granting.give(person, family, timezone.now(), mine.ends_at)
    invitation, link = joining.issue(person, sent_by=by.user, press=press)
    trail.record("person.invite", by, inviting.about(person), parameters=inviting.describe(person))
    granting.record(by, person, [change])
    return Sent(person, link, invitation=invitation)


def _let_in(by: By, family: Family, person: User, mine: Grant, press: str) -> Sent:
    """The same for an address that is in the portal already."""
    if by.user is not None and person.pk == by.user.pk:
        raise PersonRefused(_("This is your own address."))
    is_off = person.joined_at is not None and not person.is_active
    if is_off or not person.is_family_admin:
        words = _("%(email)s is in Gatehouse already, as something else. Ask the property manager.")
        raise PersonRefused(words % {"email": person.email})
    held = grants_not_over().filter(person=person)
    there = held.filter(family=family, suspended_at=None).first()
    if there is None:
        # A suspended one is replaced.
        changes = [granting.end(grant) for grant in held.filter(family=family)]
        changes.append(granting.give(person, family, timezone.now(), mine.ends_at))
        granting.record(by, person, changes)
        return Sent(person)
    # Only what they could have sent themselves is sent again by them.
    is_ours = not held.exclude(family=family).exists() and not there.may_invite
    if person.joined_at is not None or not is_ours:
        raise PersonRefused(_("%(person)s looks after this family already.") % {"person": person})
    if not guessing.take(guessing.key_of("invited-again", person.email), AGAIN):
        words = _("%(person)s was sent several invitations just now. Wait a quarter of an hour.")
        raise PersonRefused(words % {"person": person})
    invitation, link = inviting.send_again(by, person, press)
    return Sent(person, link, invitation=invitation)
