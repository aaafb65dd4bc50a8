"""Finds families, members and devices by a few letters. Reads local tables only."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from access.models import Device
from families.models import Family, Member
from families.selectors.searching import names_matching
from portal.accounts.models import User

SHOWN_AT_MOST = 12


@dataclass(frozen=True)
class Hit:
    """Something found: its name, what it belongs to, and its page."""

    name: str
    detail: str
    url: str


@dataclass(frozen=True)
class Found:
    """What a text found, by kind; each list is cut to SHOWN_AT_MOST."""

    families: list[Hit]
    members: list[Hit]
    devices: list[Hit]

    @property
    def is_empty(self) -> bool:
        return not (self.families or self.members or self.devices)


def find(user: User, text: str) -> Found:
    """What carries all words of ``text`` in its name, within the person's reach. At most three queries."""
    named = names_matching(text)
    here = named & Q(gone_at=None, family__gone_at=None)
    families = Family.objects.visible_to(user).filter(named, gone_at=None).select_related("property")
    members = Member.objects.visible_to(user).filter(here).select_related("family")
    devices = Device.objects.visible_to(user).filter(here).select_related("family")
    return Found(
        [Hit(family.name, str(family.property or ""), _family_url(family)) for family in _first(families)],
        [
            Hit(
                member.name,
                " · ".join(filter(None, [member.family.name, member.email])),
                _family_url(member.family),
            )
            for member in _first(members)
        ],
        [
            Hit(
                device.name,
                device.family.name,
                reverse("access:family_doors", args=[device.family.public_id]),
            )
            for device in _first(devices)
        ],
    )


def _first(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by("search_text", "pk")[:SHOWN_AT_MOST]


def _family_url(family: Family) -> str:
    return reverse("families:family_detail", args=[family.public_id])
