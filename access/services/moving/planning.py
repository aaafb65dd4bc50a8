"""What has to go with those who leave a family. Reads local tables only.

Assumption: PIN, NFC and Bluetooth codes and the face of a member belong to that member's account and go with it. To check:
remove a member of a test family who has them, and try each at a door.
Assumption: an invitation to a family is good for a month at most. To check: accept one after a month.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.models import ItemKind, TempKey, VisitorLink
from families.models import Family, FamilyInvitation, Grant, Member, Reach, Rights
from families.scope import grants_not_over
from families.selectors.reaching import organisations_reaches
from families.services.people import leaving as portal_side
from portal.accounts import sessions
from portal.accounts.models import Role, User
from portal.audit.models import MAY_HAVE_BEEN_SENT, State
from portal.connections.models import Connection
from portal.web.zones import zone_called

INVITATIONS_LAST = timedelta(days=30)


@dataclass(frozen=True)
class Leaving:
    """Who leaves: everybody, or these members, and these people of the portal who are no members.

    ``all_passes``: with some of its people every pass of the family goes, too.
    """

    is_whole: bool
    members: tuple[Member, ...] = ()
    people: tuple[User, ...] = ()
    all_passes: bool = False


@dataclass(frozen=True)
class Planned:
    """One thing that has to go, as a MoveOutItem will hold it."""

    kind: ItemKind
    key: str
    subject: str
    detail: str = ""
    person: User | None = None
    member: Member | None = None
    temp_key: TempKey | None = None
    look_until: datetime | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that has to go, in the order in which it goes; ``owner`` is who owns the family now, if they leave.

    ``staying`` are the members who stay and may own the family, ``kept`` the accounts through which the portal itself is in it,
    ``coming`` grants that begin later, which stay.
    """

    family: Family
    leaving: Leaving
    items: list[Planned]
    owner: Member | None
    staying: list[Member]
    kept: list[Member]
    coming: list[Grant] = field(default_factory=list)

    def of(self, *kinds: ItemKind) -> list[Planned]:
        """The items of some kinds."""
        return [item for item in self.items if item.kind in kinds]


def plan(family: Family, leaving: Leaving, *, at: datetime | None = None) -> Plan:
    """What has to go with them, as far as is known here; ``at`` is when the move-out began, now by default."""
    own = own_accounts(family)
    members = sorted(Member.objects.filter(family=family, gone_at=None), key=lambda one: one.search_text)
    kept = [one for one in members if one.account_id in own]
    chosen = {one.pk for one in leaving.members}
    going = [one for one in members if one.account_id not in own and (leaving.is_whole or one.pk in chosen)]
    owner = next((one for one in going if one.auth == Rights.ADMIN), None)
    began = at or timezone.now()
    ending, coming = _grants(family, leaving, going, began)
    people = _people(family, ending, going)
    items = [
        *(_grant(grant) for grant in ending),
        *(_session(one) for one in people if one.joined_at is not None),
        *_portal_invitations(family, people),
        *_own_connections(family, people),
        *(_pass(one) for one in _passes(family, leaving, people)),
        *(_link(one) for one in _links(family, leaving, people)),
    ]
    if owner is not None:
        items.append(Planned(ItemKind.OWNERSHIP, "owner", owner.name, owner.email, member=owner))
    items += [
        Planned(ItemKind.MEMBER, one.public_id, one.name, _told(one), member=one)
        # The owner last: as long as they own the family they cannot be removed.
        for one in sorted(going, key=lambda one: one == owner)
    ]
    items += [_invitation(family, one, began) for one in _invitations(family, leaving, going, people)]
    staying = [one for one in members if one not in going and one not in kept]
    return Plan(family, leaving, items, owner, staying, kept, coming)


def own_accounts(family: Family) -> set[str]:
    """The accounts through which the organisation is in the family: never removed by a move-out."""
    return set(organisations_reaches([family.pk]).values_list("account_id", flat=True))


def acts_as_owner(family: Family) -> bool:
    """Whether the account that acts in the family owns it: the door system may let only an owner hand it over."""
    reach = Reach.objects.to_act_in(family)
    return reach is not None and reach.auth == Rights.ADMIN


def unnamed_people(family: Family) -> list[User]:
    """Family admins of the family whose address no member of it has: to be chosen one by one."""
    emails = {
        email.strip().casefold()
        for email in Member.objects.filter(family=family, gone_at=None).values_list("email", flat=True)
    }
    grants = grants_not_over().filter(family=family).select_related("person", "member")
    found = [grant.person for grant in grants if not _is_member(grant, emails)]
    return sorted(set(found), key=lambda person: (person.search_text, person.pk))


def connections_to_own(family: Family) -> list[Connection]:
    """The organisation's connections whose account may own the family: those that reach it first, then the others."""
    usable = Connection.objects.usable().of_the_organisation().without_secrets()
    reaching = set(Reach.objects.filter(family=family, gone_at=None).values_list("connection_id", flat=True))
    return sorted(usable, key=lambda one: (one.pk not in reaching, one.name))


def _is_member(grant: Grant, emails: set[str]) -> bool:
    is_there = grant.member is not None and grant.member.gone_at is None
    return is_there or grant.person.email.casefold() in emails


def _grants(
    family: Family, leaving: Leaving, going: list[Member], began: datetime
) -> tuple[list[Grant], list[Grant]]:
    """Those that end, and those that stay although everybody leaves: they begin later, and are the next household's."""
    found = grants_not_over().filter(family=family).select_related("person", "family__property", "member")
    pks = {one.pk for one in going}
    emails = {one.email.strip().casefold() for one in going} - {""}
    people = {one.pk for one in leaving.people}
    ending, coming = [], []
    for grant in found.order_by("person__search_text", "pk"):
        is_theirs = (
            grant.member_id in pks or grant.person.email.casefold() in emails or grant.person_id in people
        )
        if is_theirs or (leaving.is_whole and grant.starts_at <= began):
            ending.append(grant)
        elif leaving.is_whole:
            coming.append(grant)
    return ending, coming


def _people(family: Family, ending: list[Grant], going: list[Member]) -> list[User]:
    """Whose rights in the portal end: by a grant, or by an account of their own in the family that is removed."""
    found = {grant.person_id: grant.person for grant in ending}
    accounts = {one.account_id for one in going}
    reaches = Reach.objects.filter(
        family=family, gone_at=None, connection__owner__role=Role.FAMILY_ADMIN, account_id__in=accounts
    )
    for reach in reaches.select_related("connection__owner").defer(
        "connection__access_token", "connection__refresh_token", "connection__client_secret"
    ):
        owner = reach.connection.owner
        if owner is not None:
            found.setdefault(owner.pk, owner)
    return list(found.values())


def _grant(grant: Grant) -> Planned:
    zone = zone_called(grant.family.time_zone)
    detail = _("since %(day)s") % {"day": grant.starts_at.astimezone(zone).date().isoformat()}
    if grant.suspended_at is not None:
        detail = _("%(since)s, suspended") % {"since": detail}
    elif grant.starts_at > timezone.now():
        detail = _("from %(day)s on") % {"day": grant.starts_at.astimezone(zone).date().isoformat()}
    return Planned(ItemKind.GRANT, str(grant.pk), _name(grant.person), detail, person=grant.person)


def _session(person: User) -> Planned:
    open_now = len(sessions.list_sessions(person))
    detail = ngettext("in %(n)d place", "in %(n)d places", open_now) % {"n": open_now}
    if not open_now:
        detail = _("not signed in now")
    return Planned(ItemKind.SESSION, person.public_id, _name(person), detail, person=person)


def _portal_invitations(family: Family, people: list[User]) -> Iterator[Planned]:
    for person in people:
        if person.joined_at is None and not portal_side.has_other_family(person, family):
            yield Planned(ItemKind.PORTAL_INVITATION, person.public_id, _name(person), person=person)


def _own_connections(family: Family, people: list[User]) -> Iterator[Planned]:
    owners = {
        one.owner_id: one.name
        for one in Connection.objects.there()
        .filter(owner__in=[person.pk for person in people], paused_at=None)
        .only("owner_id", "name")
    }
    for person in people:
        if person.pk in owners and not portal_side.has_other_family(person, family):
            name = owners[person.pk]
            yield Planned(ItemKind.PERSONAL_CONNECTION, person.public_id, _name(person), name, person=person)


def _passes(family: Family, leaving: Leaving, people: list[User]) -> QuerySet[TempKey]:
    """Every pass of the family that the upstream still names; of some people only those they made here."""
    found = TempKey.objects.filter(family=family, gone_at=None, reach__connection__owner=None)
    if not (leaving.is_whole or leaving.all_passes):
        found = found.filter(made_by__in=[person.pk for person in people])
    return found.select_related("made_by", "family__property").order_by("at", "pk")


def _links(family: Family, leaving: Leaving, people: list[User]) -> QuerySet[VisitorLink]:
    """Every link to a pass of the family that nobody has ended; of some people those to their passes, or made by them."""
    found = VisitorLink.objects.filter(temp_key__family=family, temp_key__gone_at=None, revoked_at=None)
    if not (leaving.is_whole or leaving.all_passes):
        theirs = [person.pk for person in people]
        found = found.filter(Q(temp_key__made_by__in=theirs) | Q(made_by__in=theirs))
    return found.select_related("temp_key", "made_by").order_by("made_at", "pk")


def _link(link: VisitorLink) -> Planned:
    detail = _("made by %(name)s") % {"name": _name(link.made_by)} if link.made_by is not None else ""
    return Planned(
        ItemKind.VISITOR_LINK, link.public_id, _label(link.temp_key), detail, temp_key=link.temp_key
    )


def _label(key: TempKey) -> str:
    return key.label or key.visitor_name or _("A pass made elsewhere")


def _pass(key: TempKey) -> Planned:
    if key.ends_at is None:
        detail = key.raw_window
    else:
        until = key.ends_at.astimezone(zone_called(key.family.time_zone))
        moment = f"{format_date(until, 'j F Y, H:i')} ({until.tzname()})"
        detail = _("until %(moment)s") % {"moment": moment}
    return Planned(ItemKind.PASS, key.public_id, _label(key), detail, temp_key=key)


def _invitations(
    family: Family, leaving: Leaving, going: list[Member], people: list[User]
) -> list[FamilyInvitation]:
    """Those that were or may have been sent and that nobody has accepted, of each address the last; forgotten ones too."""
    found = FamilyInvitation.objects.filter(
        family=family, accepted_at=None, command__state__in=MAY_HAVE_BEEN_SENT
    )
    if not leaving.is_whole:
        theirs = Q(sent_by__in=[person.pk for person in people])
        for one in going:
            if one.email:
                theirs |= Q(email__iexact=one.email)
        found = found.filter(theirs)
    newest: dict[str, FamilyInvitation] = {}
    for invitation in found.select_related("command").order_by("-sent_at", "-pk"):
        newest.setdefault(invitation.email.casefold(), invitation)
    return list(newest.values())


def _invitation(family: Family, invitation: FamilyInvitation, began: datetime) -> Planned:
    is_sure = invitation.command.state == State.SUCCEEDED
    sent = format_date(invitation.sent_at.astimezone(zone_called(family.time_zone)), "j F Y")
    words = _("sent %(day)s") if is_sure else _("may have been sent %(day)s")
    return Planned(
        ItemKind.UPSTREAM_INVITATION,
        invitation.public_id,
        invitation.email,
        words % {"day": sent},
        look_until=began + INVITATIONS_LAST,
    )


def _told(member: Member) -> str:
    return f"{member.email} · {member.rights}" if member.email else member.rights


def _name(person: User) -> str:
    return f"{person.name} ({person.email})" if person.name else person.email
