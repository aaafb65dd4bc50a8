"""Families as the upstream knows them, and what is ours beside them: properties, grants, invitations, jobs."""

from families.models.families import (
    Family,
    FamilyQuerySet,
    FamilyRowQuerySet,
    Grant,
    GrantQuerySet,
    HistoryQuerySet,
    Property,
    PropertyLimit,
    PropertyQuerySet,
    within_grant,
)
from families.models.importing import ColumnMemory, Sheet, SheetQuerySet
from families.models.jobs import Job, JobQuerySet, JobRow, JobState, RowState
from families.models.members import (
    FamilyInvitation,
    FamilyInvitationQuerySet,
    Member,
    Reach,
    ReachQuerySet,
    Rights,
)
from families.models.syncing import Change, Kind, SyncState

__all__ = [
    "Change",
    "ColumnMemory",
    "Family",
    "FamilyInvitation",
    "FamilyInvitationQuerySet",
    "FamilyQuerySet",
    "FamilyRowQuerySet",
    "Grant",
    "GrantQuerySet",
    "HistoryQuerySet",
    "Job",
    "JobQuerySet",
    "JobRow",
    "JobState",
    "Kind",
    "Member",
    "Property",
    "PropertyLimit",
    "PropertyQuerySet",
    "Reach",
    "ReachQuerySet",
    "Rights",
    "RowState",
    "Sheet",
    "SheetQuerySet",
    "SyncState",
    "within_grant",
]
