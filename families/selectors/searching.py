"""Finds families, members and whatever else has a ``search_text`` by what somebody types."""

from collections import defaultdict
from collections.abc import Collection
from functools import cache

from django.db.models import BooleanField, Model, Q, Value

from families.models import Family, Member
from families.selectors.prepared import Prepared, hole
from families.words import having, owners_finding
from portal.text import searchable
from portal.upstream.text import clean

# Whoever types more words than a long name has is not looking for one.
MOST_WORDS = 8
# How many of what a search met in a family are named beside it; and in all of them together, at most.
NAMED_IN_A_FAMILY = 3
_READ_AT_MOST = 2_000
_MEMBER, _DEVICE = 0, 1


def families_matching(text: str) -> Q:
    """Families whose name, one of whose members' names and addresses, or one of whose devices' names has every word.

    Case and accents do not count, nor do members and devices who are gone. An empty text matches all.
    """
    words = _words(text)
    if not words:
        return Q()
    owners = owners_finding(words)
    if owners is not None:
        return Q(pk__in=owners)
    families = Family.objects.filter(search_text__finds=words)
    members = Member.objects.filter(search_text__finds=words, gone_at=None)
    # Design decision: the devices of a family are joined by name; `families` imports nothing of `access`.
    doors = Family.objects.filter(devices__search_text__finds=words, devices__gone_at=None)
    ids = [families.values("pk"), members.values("family_id"), doors.values("pk")]
    return Q(pk__in=ids[0].union(*ids[1:], all=True))


def names_matching(text: str) -> Q:
    """Rows whose ``search_text`` has every word of ``text``; an empty text matches none.

    One and two letters match where a word begins ("Li"), three and more anywhere; case and accents do not count.
    """
    words = _words(text)
    return Q(search_text__finds=words) if words else Q(pk__in=[])


def names_found(text: str, family_ids: Collection[int]) -> dict[int, list[str]]:
    """What ``text`` met in each of a few families: names of members, then of devices, the first of them. One query."""
    words = _words(text)
    found: dict[int, list[str]] = defaultdict(list)
    if not words or not family_ids:
        return found
    families = (", ".join(["%s"] * len(family_ids)), list(family_ids))
    rows = _names().tuples(
        families=families,
        of_members=having(_column(Member), words.split()),
        of_devices=having(_column(_devices()), words.split()),
    )
    for pk, _kind, _order, first, last, account, email in sorted(rows):
        name = f"{first} {last}".strip() or account or email
        if len(found[pk]) < NAMED_IN_A_FAMILY and name not in found[pk]:
            found[pk].append(name)
    return found


@cache
def _names() -> Prepared:
    members = Member.objects.filter(
        hole("of_members", BooleanField()), family__in=hole("families"), gone_at=None
    )
    devices = Family.objects.filter(
        hole("of_devices", BooleanField()), pk__in=hole("families"), devices__gone_at=None
    )
    rows = members.values_list(
        "family_id", Value(_MEMBER), "search_text", "first_name", "last_name", "account_name", "email"
    ).union(
        devices.values_list("pk", Value(_DEVICE), "devices__search_text", "devices__name", *[Value("")] * 3),
        all=True,
    )
    return Prepared(rows[:_READ_AT_MOST])


def _devices() -> type[Model]:
    return Family._meta.get_field("devices").related_model


def _column(model: type[Model]) -> str:
    return f'"{model._meta.db_table}"."search_text"'


def _words(text: str) -> str:
    return " ".join(searchable(clean(text)).split()[:MOST_WORDS])
