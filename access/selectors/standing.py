"""Which devices are there, which row of a shared one stands for it, and how many they are."""

from functools import cache
from typing import Any

from django.db.models import Case, F, Func, IntegerField, Min, Q, Subquery, When

from access.models import Device
from access.selectors.dressing import Count, Values
from families.models import Family, FamilyRowQuerySet


def not_gone(devices: FamilyRowQuerySet[Device]) -> FamilyRowQuerySet[Device]:
    """Those that are there, as their family is."""
    # The families that are gone are few, and looked up once.
    gone = Family.objects.filter(gone_at__isnull=False)
    return devices.filter(gone_at=None).exclude(family__in=gone)


def standing(devices: FamilyRowQuerySet[Device]) -> FamilyRowQuerySet[Device]:
    """Of these rows each device once: of a public one that which is known longest.

    Design decision: found out for each page, from an index of the public ones alone, and not kept in a column. Which
    row stands for a device depends on whose families one sees and on what was chosen of them.
    """
    shared = devices.filter(is_public=True).order_by().values("mac")
    first = shared.annotate(first=Min("pk")).values("first")
    return devices.filter(Q(is_public=False) | Q(pk__in=first))


@cache
def counts_of_all() -> dict[str, Any]:
    """The counts for whoever sees all."""
    # Made once, as what is told of a device: it is the same for all of them, and making it takes longer than asking.
    return counts_of(not_gone(Device.objects.all()))


def counts_of(there: FamilyRowQuerySet[Device]) -> dict[str, Any]:
    """How many devices these rows are and how many of them are online, as an array, or None where there is none:
    ``counted_own`` of the private ones, ``counted_shared`` of those that stand in several families.

    Of a shared one the row that stands for it tells whether it is online. Both are read from an index alone.
    """
    own = there.filter(is_public=False).order_by()
    online = Case(When(is_online=True, then=1))
    # The number of the first row and what it is, in one: the least of them is found without looking at the row.
    told = Min(F("pk") * 2 + Case(When(is_online=True, then=1), default=0))
    shared = there.filter(is_public=True).order_by().values("mac")
    return {
        "counted_own": Subquery(own.annotate(told=Values(_AllOf(), Count(online))).values("told")),
        "counted_shared": Subquery(
            shared.annotate(told=Values(_Groups(), _SumOfGroups(told % 2))).values("told")[:1]
        ),
    }


class _AllOf(Func):
    """How many rows there are: quicker than to look whether each has a number."""

    template = "COUNT(*)"
    output_field = IntegerField()


class _Groups(Func):
    """How many groups a statement gives, beside each of them."""

    template = "COUNT(*) OVER ()"
    output_field = IntegerField()

    def get_group_by_cols(self) -> list[Any]:
        """Nothing: it stands beside the groups, and makes none."""
        return []


class _SumOfGroups(Func):
    """A sum over what the groups of a statement give, beside each of them."""

    template = "SUM(%(expressions)s) OVER ()"
    output_field = IntegerField()
