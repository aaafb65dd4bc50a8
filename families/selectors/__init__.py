"""Reads families for the pages; every function starts from what the person may see."""

from families.selectors.detail import (
    FamilyHead,
    FamilyOverview,
    get_family,
    get_head,
    get_overview,
)
from families.selectors.invitations import list_invitations, pending_invitations
from families.selectors.listing import FamilyPage, list_families
from families.selectors.narrowing import FamilyFilter, families_fitting, list_properties
from families.selectors.reaching import Trouble, find_trouble, list_trouble
from families.selectors.searching import families_matching, names_matching
from families.selectors.sources import as_of, list_sources
from families.selectors.telling import is_now, rights_of

__all__ = [
    "FamilyFilter",
    "FamilyHead",
    "FamilyOverview",
    "FamilyPage",
    "Trouble",
    "as_of",
    "families_fitting",
    "families_matching",
    "find_trouble",
    "get_family",
    "get_head",
    "get_overview",
    "is_now",
    "list_families",
    "list_invitations",
    "list_properties",
    "list_sources",
    "list_trouble",
    "names_matching",
    "pending_invitations",
    "rights_of",
]
