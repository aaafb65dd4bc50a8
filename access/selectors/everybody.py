"""The board of whoever sees all: its statement is the same for all of them, and written once."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS
from django.db.models import IntegerField, Model, QuerySet
from django.db.models.expressions import RawSQL

from access.models import Device
from access.selectors.dressing import NOT_SHOWN, begin_of_watch, told_to_all
from access.selectors.standing import counts_of_all, not_gone, standing
from families.models import Family, Property
from families.selectors.prepared import Filling, Prepared, hole

# What fits, and of that what stands for itself and others, as standing.standing has it: found once, for the page and for
# how many there are.
_FITTING = """WITH fitting AS ({}), standing AS (
    SELECT id FROM fitting
    WHERE NOT is_public OR id IN (SELECT MIN(id) FROM fitting WHERE is_public GROUP BY mac)
) """
_ALL_STANDING, _NUMBER = "SELECT id FROM standing", "SELECT COUNT(*) FROM standing"


def standing_ones() -> QuerySet[Device]:
    """Those of ``fitting`` that stand for themselves and others; for ``list_everybodys`` alone."""
    return Device.objects.filter(pk__in=RawSQL(_ALL_STANDING, []))  # noqa: S611 - a text of ours


@cache
def first_of_all(size: int) -> Filling:
    """So many devices of all, from the top: what is asked for most."""
    found = standing(not_gone(Device.objects.all())).order_by("search_text", "pk")
    return found.values("pk")[:size].query.sql_with_params()


def list_everybodys(shown: Filling, fitting: QuerySet[Device] | None = None) -> list[Any]:
    """These devices, by name, as ``dressing.dressed`` gives them to somebody who sees all, with the counts of the board.

    ``shown`` are their numbers, taken from ``standing_ones`` where there is a filter, and ``fitting`` the rows that it leaves.
    Nothing where these can be none. One query.
    """
    statement, told = _statement(begin_of_watch())
    if fitting is None:
        found = statement.tuples(shown=shown, fitting=("NULL", ()))
    else:
        try:
            sql, parameters = fitting.values("id", "is_public", "mac").query.sql_with_params()
        except EmptyResultSet:
            return []
        beginning = (_FITTING.format(sql), parameters)
        found = statement.tuples(beginning, shown=shown, fitting=(_NUMBER, ()))
    places: dict[int, Property] = {}
    return [_device(row, told, places) for row in found]


@lru_cache(maxsize=2)
def _statement(since: datetime) -> tuple[Prepared, list[str]]:
    """The statement, and the names of what it tells beside a device."""
    told = told_to_all(since) | counts_of_all() | {"fitting": hole("fitting", IntegerField())}
    devices = Device.objects.filter(pk__in=hole("shown")).annotate(**told).order_by("search_text", "pk")
    columns = [
        *_DEVICE,
        *(f"family__{name}" for name in _FAMILY),
        *(f"family__property__{name}" for name in _PROPERTY),
    ]
    return Prepared(devices.values_list(*columns, *told)), list(told)


def _names_of(model: type[Model], path: str = "") -> list[str]:
    left_out = [name.removeprefix(path) for name in NOT_SHOWN if name.startswith(path)]
    return [field.attname for field in model._meta.concrete_fields if field.name not in left_out]


_DEVICE = _names_of(Device)
_FAMILY, _PROPERTY = _names_of(Family, "family__"), _names_of(Property, "family__property__")
_FAMILY_AT = len(_DEVICE)
_PROPERTY_AT = _FAMILY_AT + len(_FAMILY)
_TOLD_AT = _PROPERTY_AT + len(_PROPERTY)


def _device(row: Sequence[Any], told: Sequence[str], places: dict[int, Property]) -> Any:
    """The device with its family and property, and what is ``told`` beside it; each of ``places`` is made once."""
    device = Device.from_db(DEFAULT_DB_ALIAS, _DEVICE, row[:_FAMILY_AT])
    family = Family.from_db(DEFAULT_DB_ALIAS, _FAMILY, row[_FAMILY_AT:_PROPERTY_AT])
    pk = family.property_id
    if pk is not None and pk not in places:
        places[pk] = Property.from_db(DEFAULT_DB_ALIAS, _PROPERTY, row[_PROPERTY_AT:_TOLD_AT])
    device.family, family.property = family, None if pk is None else places[pk]
    device.__dict__.update(zip(told, row[_TOLD_AT:], strict=True))
    return device
