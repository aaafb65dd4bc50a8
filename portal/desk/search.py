"""Finds families, members, devices and passes by a few letters. Reads local tables only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from access.macs import spelt_as_macs
from access.models import Device, TempKey
from families.models import Family, Member
from families.selectors.searching import names_matching
from portal.accounts.models import User

SHOWN_AT_MOST = 12
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Hit:
    """Something found: its name, what it belongs to, and its page."""

    name: str
    detail: str
    url: str


@dataclass(frozen=True)
class Group:
    """What was found of one kind, the first SHOWN_AT_MOST; ``more_url`` leads to all of them, "" where these are all."""

    title: str
    hits: Sequence[Hit]
    more_url: str = ""


@dataclass(frozen=True)
class Found:
    """What a text found, by kind; kinds of which nothing was found are left out."""

    groups: Sequence[Group]

    @property
    def count(self) -> int:
        """How many rows are shown."""
        return sum(len(group.hits) for group in self.groups)


def find(user: User, text: str) -> Found:
    """What carries all words of ``text`` in its name, within the person's reach; a device also in its MAC, however spelt.

    Four queries at most.
    """
    named = names_matching(text)
    there = Q(gone_at=None, family__gone_at=None)
    here = named & there
    of_device = named
    for way in spelt_as_macs(text):
        of_device |= names_matching(way)
    families = Family.objects.visible_to(user).filter(named, gone_at=None).select_related("property")
    members = Member.objects.visible_to(user).filter(here).select_related("family")
    devices = Device.objects.visible_to(user).filter(of_device & there).select_related("family")
    passes = TempKey.objects.visible_to(user).filter(here).select_related("family")
    query = urlencode({"q": text})
    groups = [
        _group(_("Families"), families, _family_hit, f"{reverse('families:family_list')}?{query}"),
        _group(_("People"), members, _member_hit, f"{reverse('families:family_list')}?{query}"),
        _group(_("Doors"), devices, _device_hit, f"{reverse('access:device_list')}?{query}"),
        _group(_("Passes"), passes, _pass_hit, f"{reverse('access:pass_list')}?{query}"),
    ]
    return Found([group for group in groups if group.hits])


def _group(title: str, rows: QuerySet[Row], hit: Callable[[Any], Hit], more_url: str) -> Group:
    found = list(rows.order_by("search_text", "pk")[: SHOWN_AT_MOST + 1])
    hits = [hit(row) for row in found[:SHOWN_AT_MOST]]
    return Group(title, hits, more_url if len(found) > SHOWN_AT_MOST else "")


def _family_hit(family: Family) -> Hit:
    return Hit(family.name, str(family.property or ""), _family_url(family))


def _member_hit(member: Member) -> Hit:
    return Hit(
        member.name,
        " · ".join(filter(None, [member.family.name, member.email])),
        f"{_family_url(member.family)}#family-people",
    )


def _device_hit(device: Device) -> Hit:
    return Hit(device.name, device.family.name, reverse("access:device_detail", args=[device.public_id]))


def _pass_hit(key: TempKey) -> Hit:
    name = key.label or key.visitor_name or key.visitor_email
    return Hit(name, key.family.name, reverse("access:pass_detail", args=[key.public_id]))


def _family_url(family: Family) -> str:
    return reverse("families:family_detail", args=[family.public_id])
