"""Reads one family with everything its page says of it."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from families.models import Family, Kind, Member, Reach, Rights
from families.selectors.freshness import Freshness, freshness_of
from families.selectors.reaching import Trouble, order_for_acting, organisations_reaches, trouble_of
from portal.accounts.models import User

_RANK = {Rights.ADMIN.value: 0, Rights.USER.value: 1, Rights.GUEST.value: 2}


@dataclass(frozen=True)
class Person:
    """A member as the page tells it; ``is_ours`` marks the account that the portal itself acts with."""

    member: Member
    is_ours: bool


@dataclass(frozen=True)
class FamilyHead:
    """What stands above every part of a family's page."""

    owners: list[Member]
    freshness: list[Freshness]
    connection_name: str
    trouble: Trouble | None

    @property
    def as_of(self) -> Freshness | None:
        """How old its name, its state and its people are."""
        return next((each for each in self.freshness if each.kind == Kind.MEMBERS), None)


@dataclass(frozen=True)
class FamilyOverview:
    """The people of a family. ``is_read``: whether they were ever read."""

    family: Family
    people: list[Person]
    is_read: bool


def get_family(user: User, family_id: str) -> Family:
    """The family with its property; raises Family.DoesNotExist unless it is the person's to see."""
    return Family.objects.visible_to(user).select_related("property").get(public_id=family_id)


def get_head(user: User, family: Family) -> FamilyHead:
    """What is said above every part of its page, as the organisation's connections read it. Three queries."""
    reaches = sorted(organisations_reaches([family.pk]), key=order_for_acting)
    name = reaches[0].connection.name if reaches else _removed(family)
    return FamilyHead(
        list(
            Member.objects.filter(family=family, gone_at=None, auth=Rights.ADMIN).order_by(
                "search_text", "pk"
            )
        ),
        freshness_of(family, [reach.connection_id for reach in reaches]),
        name,
        trouble_of(user, reaches, removed="" if reaches else name),
    )


def get_overview(user: User, family: Family) -> FamilyOverview:
    """The people of the family, as its page shows them. One query, two where it names nobody; no upstream call."""
    people = _people(family)
    is_read = bool(people) or family.sync_states.filter(kind=Kind.MEMBERS).exclude(last_good_at=None).exists()
    return FamilyOverview(family, people, is_read)


def _removed(family: Family) -> str:
    """The name of the connection that reached this family until it was removed; "" without one."""
    found = Reach.objects.filter(family=family, connection__owner=None, connection__removed_at__isnull=False)
    last = found.order_by("-connection__removed_at").values_list("connection__name", flat=True).first()
    return last or ""


def _people(family: Family) -> list[Person]:
    ours = organisations_reaches([family.pk]).filter(account_id=OuterRef("account_id"))
    members = Member.objects.filter(family=family, gone_at=None).annotate(is_ours=Exists(ours))
    found = sorted(members, key=lambda member: (_RANK.get(member.auth, 3), member.search_text, member.pk))
    return [Person(member, member.is_ours) for member in found]
