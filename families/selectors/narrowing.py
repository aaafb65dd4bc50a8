"""Which families are meant: what somebody chose to see, and the condition that says so."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from families.models import Family, FamilyInvitation, Property, Reach
from families.selectors.searching import families_matching
from portal.accounts.models import User
from portal.audit.models import MAY_HAVE_BEEN_SENT
from portal.connections.models import Health

STATES = ("attention", "online", "offline", "installed", "not_installed", "gone")
# Of properties and of connections.
IN_NONE = "none"
# What may be asked of the connection instead of its name: that none works, and why.
PAUSED, SIGNED_OUT = "paused", "signed_out"
TROUBLES = (PAUSED, SIGNED_OUT, IN_NONE)


@dataclass(frozen=True)
class FamilyFilter:
    """What the list shows; "" is everything.

    ``property_id`` is a property's public id or IN_NONE; ``connection`` a connection's public id or one of TROUBLES;
    ``is_invited``: only families with pending invitations.
    """

    text: str = ""
    property_id: str = ""
    state: str = ""
    connection: str = ""
    is_invited: bool = False
    sort: str = "name"

    @property
    def is_narrow(self) -> bool:
        """Whether some families are left out by choice."""
        return bool(self.text or self.is_folded)

    @property
    def is_folded(self) -> bool:
        """Whether anything is chosen beside the text."""
        return bool(self.property_id or self.state or self.connection or self.is_invited)


def families_fitting(user: User, chosen: FamilyFilter) -> QuerySet[Family]:
    """All families of the person's that fit, in no order."""
    found = Family.objects.visible_to(user).filter(
        _state(chosen.state), _connection(chosen.connection), gone_at__isnull=chosen.state != "gone"
    )
    if chosen.property_id == IN_NONE:
        found = found.filter(property=None)
    elif chosen.property_id:
        found = found.filter(property__public_id=chosen.property_id)
    if chosen.is_invited:
        found = found.filter(pk__in=pending_invitations(user).values("family"))
    return found.filter(families_matching(chosen.text))


def pending_invitations(user: User | None) -> QuerySet[FamilyInvitation]:
    """Invitations of the person's families that were or may have been sent, and that nobody accepted or put aside.

    None is whoever sees all families; nobody else's invitations are asked for without saying whose.
    """
    invitations = (
        FamilyInvitation.objects.all() if user is None else FamilyInvitation.objects.visible_to(user)
    )
    return invitations.filter(accepted_at=None, forgotten_at=None, command__state__in=MAY_HAVE_BEEN_SENT)


def list_properties(user: User) -> list[Property]:
    """The properties that the person may filter by, by name."""
    return list(Property.objects.visible_to(user).order_by("name"))


def reaching() -> QuerySet[Reach]:
    """How the organisation reaches families, working or not."""
    return Reach.objects.filter(connection__owner=None, connection__removed_at=None, gone_at=None)


def _state(state: str) -> Q:
    if state == "offline":
        # One that is not installed cannot be online: it has a state of its own.
        return Q(is_online=False, is_installed=True)
    if state == "attention":
        return Q(is_online=False) | Q(is_installed=False) | ~_works()
    named = {"online": Q(is_online=True, is_installed=True), "installed": Q(is_installed=True)}
    return named.get(state, Q(is_installed=False) if state == "not_installed" else Q())


def _connection(asked: str) -> Q:
    """Families reached through a connection; or those that none reaches, or none that works, and why."""
    of_family = reaching().filter(family=OuterRef("pk"))
    if asked == IN_NONE:
        return ~Q(Exists(of_family))
    if asked == PAUSED:
        return ~_works() & Q(Exists(of_family.exclude(connection__paused_at=None)))
    if asked == SIGNED_OUT:
        lost = of_family.filter(connection__paused_at=None, connection__health=Health.SIGNED_OUT)
        return ~_works() & Q(Exists(lost))
    return Q(Exists(of_family.filter(connection__public_id=asked))) if asked else Q()


def _works() -> Q:
    return Q(Exists(Reach.objects.working().filter(family=OuterRef("pk"))))
