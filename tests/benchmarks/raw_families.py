"""The limit of the list of families: statements written for it, and the portal's own templates with what they brought."""

from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from families.models import Property
from families.selectors import FamilyFilter, FamilyPage
from families.selectors.listing import PAGE_SIZE, SORTS, FamilyRow
from families.selectors.sources import AsOf, Source
from portal.text import searchable

_SHOWN = """
    SELECT f.id, f.public_id, f.name, f.is_online, f.is_installed, f.online_changed_at, f.gone_at, p.name,
      (SELECT COUNT(*) FROM families_member m WHERE m.family_id = f.id AND m.gone_at IS NULL),
      (SELECT COUNT(DISTINCT LOWER(i.email)) FROM families_familyinvitation i JOIN audit_command c ON c.id = i.command_id
        WHERE i.family_id = f.id AND i.accepted_at IS NULL AND i.forgotten_at IS NULL
        AND c.state IN ('intent', 'sent', 'succeeded', 'unknown')),
      (SELECT r.connection_id FROM families_reach r JOIN connections_connection c ON c.id = r.connection_id
        WHERE r.family_id = f.id AND r.gone_at IS NULL AND c.owner_id IS NULL AND c.removed_at IS NULL
        ORDER BY c.health <> 'good' OR c.paused_at IS NOT NULL, r.auth NOT IN ('admin', 'user'), c.name LIMIT 1),
      (SELECT COUNT(*) FROM families_family f WHERE f.gone_at IS NULL {found})
    FROM families_family f LEFT JOIN families_property p ON p.id = f.property_id
    WHERE f.id IN (SELECT f.id FROM families_family f WHERE f.gone_at IS NULL {found} ORDER BY f.search_text, f.id LIMIT 51)
    ORDER BY f.search_text, f.id
"""
_LINES = """
    SELECT c.id, c.public_id, c.name, c.health, c.paused_at, c.open_until, s.id, s.last_good_at
    FROM connections_connection c LEFT JOIN families_syncstate s ON s.connection_id = c.id AND s.kind = 'families'
    WHERE c.owner_id IS NULL AND c.removed_at IS NULL ORDER BY c.name
"""
_FOUND = """ AND f.id IN (
    SELECT id FROM families_family WHERE {family}
    UNION ALL SELECT family_id FROM families_member WHERE gone_at IS NULL AND {member}
    UNION ALL SELECT family_id FROM access_device WHERE gone_at IS NULL AND {device})"""


_MATCHED = """ AND f.id IN (
    SELECT rowid FROM families_family_words WHERE families_family_words MATCH %s
    UNION ALL SELECT o.family_id FROM families_member_words JOIN families_member_owners o
      ON o.id = families_member_words.rowid WHERE families_member_words MATCH %s
    UNION ALL SELECT o.family_id FROM access_device_words JOIN access_device_owners o
      ON o.id = access_device_words.rowid WHERE access_device_words MATCH %s)"""


def raw_families(request: HttpRequest) -> HttpResponse:
    """The list as the portal shows it, read without Django."""
    text = request.GET.get("q", "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT public_id, name FROM families_property ORDER BY name")
        places = [Property(public_id=key, name=name) for key, name in cursor.fetchall()]
        cursor.execute(_LINES)
        lines = {line[0]: Source(*line[:6], line[6] is not None, None) for line in cursor.fetchall()}
        found, parameters = _found(searchable(text))
        cursor.execute(_SHOWN.format(found=found), [*parameters, *parameters])
        rows = cursor.fetchall()
        names = _names(cursor, searchable(text), [row[0] for row in rows]) if text else {}
    total = rows[0][11] if rows else 0
    page = FamilyPage([_row(row, lines, names) for row in rows[:PAGE_SIZE]], total, "", "x" * 90)
    address = reverse("families:family_list")
    context: dict[str, Any] = {
        "page": page,
        "chosen": FamilyFilter(text=text),
        "properties": places,
        "sources": list(lines.values()),
        "as_of": AsOf(None),
        "list_url": address,
        "after_url": f"{address}?after={'x' * 90}",
        "sort_urls": dict.fromkeys(SORTS, address),
        "may_choose": True,
    }
    return render(request, "families/family_list.html", context)


def _row(row: Any, lines: dict[Any, Source], names: dict[int, list[str]]) -> FamilyRow:
    return FamilyRow(
        public_id=row[1],
        name=row[2],
        property_name=row[7] or "",
        is_online=row[3],
        is_installed=row[4],
        online_changed_at=row[5],
        gone_at=row[6],
        people=row[8],
        invited=row[9],
        connection=lines[row[10]],
        found=names.get(row[0], ()),
    )


def _found(text: str) -> tuple[str, list[str]]:
    if not text:
        return "", []
    if connection.vendor == "postgresql":
        like = "search_text LIKE %s" if len(text) > 2 else "(search_text LIKE %s OR search_text LIKE %s)"
        asked = [f"%{text}%"] if len(text) > 2 else [f"{text}%", f"% {text}%"]
        return _FOUND.format(family=like, member=like, device=like), asked * 3
    match = f'"{text}"' if len(text) > 2 else f'"  {text}"'
    return _MATCHED, [match] * 3


def _names(cursor: Any, text: str, ids: list[int]) -> dict[int, list[str]]:
    like = f"%{text}%" if len(text) > 2 else f"% {text}%"
    marks = ", ".join(["%s"] * len(ids)) or "NULL"
    cursor.execute(
        "SELECT family_id, first_name, last_name, search_text FROM families_member WHERE gone_at IS NULL "
        f"AND family_id IN ({marks}) AND (search_text LIKE %s OR search_text LIKE %s) "
        "UNION ALL SELECT family_id, name, '', search_text FROM access_device WHERE gone_at IS NULL "
        f"AND family_id IN ({marks}) AND (search_text LIKE %s OR search_text LIKE %s) LIMIT 2000",
        [*ids, f"{text}%", like, *ids, f"{text}%", like],
    )
    named: dict[int, list[str]] = {}
    for pk, first, last, _order in sorted(cursor.fetchall(), key=lambda row: row[3]):
        if len(named.setdefault(pk, [])) < 3:
            named[pk].append(f"{first} {last}".strip())
    return named
