"""What is said of a sign-in that was tried and does not work."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.connections.outcomes import busy_words, was_not_sent
from portal.upstream.errors import (
    NotUnderstood,
    SignInLost,
    UpstreamBusy,
    UpstreamError,
    UpstreamRejected,
)


@dataclass(frozen=True)
class Failed:
    """Why it does not work, for people. ``is_refusal``: it is no to what was typed, and another try with the same
    ends the same; else nothing is known of it, and it may be tried again."""

    words: str
    is_refusal: bool


def why_not(error: UpstreamError) -> Failed:
    """What the error means for whoever typed the sign-in."""
    said = " " + _("It says: “%(words)s”.") % {"words": error.words} if error.words else ""
    match error:
        case _ if was_not_sent(error):
            return Failed(_unreached(error.reason), is_refusal=False)
        case SignInLost():
            return Failed(_("The door system does not accept this token.") + said, is_refusal=True)
        case UpstreamBusy():
            return Failed(busy_words(error.retry_after_seconds), is_refusal=False)
        case UpstreamRejected():
            return Failed(_("The door system refused the sign-in.") + said, is_refusal=True)
        case NotUnderstood():
            return Failed(
                _("Something answers at this address, and it does not speak as the door system does."),
                is_refusal=True,
            )
        case _ if error.status is not None and 300 <= error.status < 400:
            return Failed(
                _("This address only leads to another one. Type the address that it leads to."),
                is_refusal=True,
            )
        case _ if error.status is not None:
            words = _("The door system has trouble of its own (HTTP %(status)d).") % {"status": error.status}
            return Failed(words, is_refusal=False)
        case _:
            return Failed(_("No whole answer came in time."), is_refusal=False)


def in_words(base_url: str, error: UpstreamError) -> str:
    """One line for an operator: what was tried, and what came back."""
    tried = error.command or "the sign-in"
    if isinstance(error, SignInLost):
        came = "the token was refused"
    elif was_not_sent(error):
        came = "it could not be reached"
    else:
        came = error.reason or "it was refused"
    details = [f"HTTP {error.status}" if error.status else "", error.words]
    if was_not_sent(error):
        details = [error.reason]
    said = ", ".join(part for part in details if part)
    return f"{base_url}, {tried}: {came}" + (f" ({said})" if said else "")


def _unreached(reason: str) -> str:
    """``reason`` is what the transport says, in its own few words."""
    if "cannot be resolved" in reason:
        return _("No host of this name is found. Look at the address again.")
    if "not permitted" in reason:
        return _("The address leads into a private network, which is not allowed here.")
    if "certificate" in reason:
        return _("The certificate at this address is not one that can be trusted.")
    return _("The address could not be reached.")
