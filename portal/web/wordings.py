"""Why nothing was done, in the words that every page has for it: the page is too old, no audit trail, no connection.

Whoever says it elsewhere says these. What was kept and what to do differs, and is added: ``more``.
"""

from typing import Literal

from django.utils.translation import gettext as _

Deed = Literal[
    "sent", "done", "asked", "changed", "begun", "moved", "given out", "looked at", "tried", "taken over"
]


def old_page(more: str = "") -> str:
    """The press of a form is not good any more; the form comes back with a fresh one."""
    return _joined(_("This page is too old."), more)


def page_was_old(more: str = "") -> str:
    """The same, said on the page that came instead."""
    return _joined(_("This page was too old."), more)


def no_audit(deed: Deed = "sent", more: str = "") -> str:
    """Nothing is done that could not be written down."""
    # Sentences of their own: what is not done stands elsewhere in other languages.
    words = {
        "sent": _("Not sent: the audit trail is not available."),
        "done": _("Not done: the audit trail is not available."),
        "asked": _("Not asked: the audit trail is not available."),
        "changed": _("Not changed: the audit trail is not available."),
        "begun": _("Not begun: the audit trail is not available."),
        "moved": _("Not moved: the audit trail is not available."),
        "given out": _("Not given out: the audit trail is not available."),
        "looked at": _("Not looked at: the audit trail is not available."),
        "tried": _("Not tried: the audit trail is not available."),
        "taken over": _("Not taken over: the audit trail is not available."),
    }
    return _joined(words[deed], more)


def no_connection(deed: Literal["sent", "asked"] = "sent", more: str = "") -> str:
    """No connection of the organisation's, or of one's own, reaches the family."""
    words = {
        "sent": _("Not sent: no connection reaches this family."),
        "asked": _("Not asked: no connection reaches this family."),
    }
    return _joined(words[deed], more)


def tell_operator() -> str:
    """What to do where the trail is not available."""
    return _("Tell whoever runs Gatehouse.")


def connect_it() -> str:
    """What to do where no connection reaches a family."""
    return _("A manager has to connect it, or sign its connection in again.")


def _joined(words: str, more: str) -> str:
    return f"{words} {more}".strip()
