"""What became of a sign-in that was tried, in words."""

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.connections import selectors
from portal.connections.joining import Proven
from portal.connections.services import Connected


def tell_connected(request: HttpRequest, proven: Proven, connected: Connected, *, is_another: bool) -> None:
    """Say what was found, what was kept, and what to look at; on the next page.

    ``is_another``: the account is not the one of before.
    """
    connection = connected.connection
    name = {"name": connection.name}
    done = _("“%(name)s” is added.") if connected.is_new else _("“%(name)s” is signed in again.")
    messages.success(request, f"{done % name} {reach_words(proven)}")
    if not proven.families:
        words = _("The account reaches no family yet. They appear here by themselves once it is in one.")
        messages.warning(request, words)
    shared = selectors.count_known([row.residence_id for row in proven.rows], but=connection)
    if shared:
        words = ngettext(
            "%(count)d of them is reached through another connection too: the one with more rights is used.",
            "%(count)d of them are reached through other connections too: the one with more rights is used.",
            shared,
        )
        messages.info(request, words % {"count": shared})
    if is_another:
        words = _(
            "It is another account than before. Families that only the other one reached will be told as gone."
        )
        messages.warning(request, words)
    if connected.moved:
        words = ngettext(
            "%(count)d row of its log is told at another time now.",
            "%(count)d rows of its log are told at another time now.",
            connected.moved,
        )
        messages.info(request, words % {"count": connected.moved})
    if connection.paused_at:
        messages.warning(request, _("It is still paused."))


def tell_own(request: HttpRequest, proven: Proven, connected: Connected) -> None:
    """The same for somebody's own account."""
    done = _("Your account is connected.") if connected.is_new else _("Your account is signed in again.")
    messages.success(request, f"{done} {reach_words(proven)}")
    known = selectors.count_known([row.residence_id for row in proven.rows])
    if not known:
        messages.warning(request, _("None of its families is one that this portal shows."))


def reach_words(proven: Proven) -> str:
    """How many families it reaches, and as whom."""
    told = ngettext("It reaches %(count)d family", "It reaches %(count)d families", proven.families)
    words = told % {"count": proven.families}
    account = proven.account
    if account is not None and (account.email or account.account_name):
        words = _("%(reach)s as %(account)s") % {
            "reach": words,
            "account": account.email or account.account_name,
        }
    return f"{words}."
