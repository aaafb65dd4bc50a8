"""Reads families for the pages; every function starts from what the person may see."""

from families.selectors.detail import (
    FamilyHead,
    FamilyOverview,
    get_family,
    get_head,
    get_overview,
    list_invitations,
    pending_invitations,
)
from families.selectors.freshness import families_as_of
from families.selectors.listing import (
    FamilyFilter,
    FamilyPage,
    list_families,
    list_properties,
)
from families.selectors.reaching import Trouble, find_trouble, list_trouble
from families.selectors.searching import families_matching, names_matching
from families.selectors.telling import rights_of

__all__ = [
    "FamilyFilter",
    "FamilyHead",
    "FamilyOverview",
    "FamilyPage",
    "Trouble",
    "families_as_of",
    "families_matching",
    "find_trouble",
    "get_family",
    "get_head",
    "get_overview",
    "list_families",
    "list_invitations",
    "list_properties",
    "list_trouble",
    "names_matching",
    "pending_invitations",
    "rights_of",
]
