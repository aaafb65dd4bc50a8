"""Reads doors and what passed through them for the pages; every function starts from what the person may see."""

from access.selectors.board import (
    DoorFilter,
    DoorPage,
    list_doors,
    list_family_doors,
    list_places,
    list_shown,
)
from access.selectors.doors import get_relay
from access.selectors.hours import Counted, count_by_hour
from access.selectors.presses import Press, describe_press, get_press, list_presses

__all__ = [
    "Counted",
    "DoorFilter",
    "DoorPage",
    "Press",
    "count_by_hour",
    "describe_press",
    "get_press",
    "get_relay",
    "list_doors",
    "list_family_doors",
    "list_places",
    "list_presses",
    "list_shown",
]
