"""Finds families, members and devices by a few letters. Reads local tables only."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from access.models import Device
from families.models import Family, Member
from portal.accounts.models import User
from portal.text import searchable

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
    """What carries all words of ``text`` in its name, within the person's reach. Three queries, none for no text.

    One and two letters match beginnings of words ("Li", "李"), three and more anywhere.
    """
    words = searchable(text).split()
    if not words:
        return Found([], [], [])
    families = _matching(Family.objects.visible_to(user).filter(gone_at=None), words).select_related(
        "property"
    )
    members = _matching(Member.objects.visible_to(user).filter(gone_at=None, family__gone_at=None), words)
    devices = _matching(Device.objects.visible_to(user).filter(gone_at=None, family__gone_at=None), words)
    return Found(
        [Hit(family.name, str(family.property or ""), _family_url(family)) for family in families],
        [
            Hit(
                member.name,
                " · ".join(filter(None, [member.family.name, member.email])),
                _family_url(member.family),
            )
            for member in members.select_related("family")
        ],
        [
            Hit(
                device.name,
                device.family.name,
                reverse("access:family_doors", args=[device.family.public_id]),
            )
            for device in devices.select_related("family")
        ],
    )


def _matching(rows: QuerySet[Any], words: list[str]) -> QuerySet[Any]:
    for word in words:
        if len(word) < 3:
            rows = rows.filter(Q(search_text__startswith=word) | Q(search_text__contains=f" {word}"))
        else:
            rows = rows.filter(search_text__contains=word)
    return rows.order_by("search_text", "pk")[:SHOWN_AT_MOST]


def _family_url(family: Family) -> str:
    return reverse("families:family_detail", args=[family.public_id])
