"""Brings residents from a sheet: read, compared with who is there, shown, and only then handed to a job."""

from families.services.importing.columns import FIELDS, no_family, wrong_columns
from families.services.importing.drafts import (
    DRAFTS_KEPT,
    KIND,
    Choices,
    NothingToSend,
    PreviewChanged,
    columns_for,
    confirm_draft,
    drop_draft,
    drop_old_drafts,
    keep_choices,
    make_draft,
    mark_sheet,
    open_sheet,
    read_rows,
    table_of,
)
from families.services.importing.marking import CREATE, INVITE, MARKS
from families.services.importing.tables import (
    ENCODINGS,
    LARGEST_BYTES,
    MOST_ROWS,
    SEPARATORS,
    SheetRefused,
    too_large,
)

__all__ = [
    "CREATE",
    "DRAFTS_KEPT",
    "ENCODINGS",
    "FIELDS",
    "INVITE",
    "KIND",
    "LARGEST_BYTES",
    "MARKS",
    "MOST_ROWS",
    "SEPARATORS",
    "Choices",
    "NothingToSend",
    "PreviewChanged",
    "SheetRefused",
    "columns_for",
    "confirm_draft",
    "drop_draft",
    "drop_old_drafts",
    "keep_choices",
    "make_draft",
    "mark_sheet",
    "no_family",
    "open_sheet",
    "read_rows",
    "table_of",
    "too_large",
    "wrong_columns",
]
