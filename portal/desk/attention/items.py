"""What one thing that needs somebody says."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

NAMED_AT_MOST = 4


@dataclass(frozen=True)
class Item:
    """One thing that needs somebody; ``url`` leads to where it is mended, with ``action`` as its words."""

    status: str
    title: str
    detail: str
    url: str = ""
    action: str = ""


def named(names: list[str]) -> str:
    """The first of these names, and whether there are more."""
    shown = ", ".join(names[:NAMED_AT_MOST])
    return _("%(names)s and more") % {"names": shown} if len(names) > NAMED_AT_MOST else shown
