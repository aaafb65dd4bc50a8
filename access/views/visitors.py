"""The page behind a visitor's link: open to whoever holds it. Its address is a secret, and nothing of it is kept.

Looking tells where the pass stands, writes nothing and asks the door system nothing: whoever mails or messages the link
has it looked at by machines first. The code is asked for by a press.
"""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import date as format_date
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from access.selectors.visitors import Seen, Standing, find_seen
from access.services.passes.codes import PassCode
from access.services.passes.revealing import PassNotThere
from access.services.visitors import showing
from access.views.passes.parts import permit_picture
from families.services.acting import NoConnection
from portal.accounts.guessing import network_of
from portal.audit.trail import AuditUnavailable
from portal.upstream import errors

# So long a code is shown: the way from the street to the door's reader.
SHOWN_SECONDS = 120
_NUMBER = re.compile(r"\+?[0-9][0-9 ()./-]{4,}[0-9]")


class Moment(NamedTuple):
    """A moment as it is told, and as a machine reads it."""

    at: datetime
    words: str


class Contact(NamedTuple):
    """Whom to call: the words with the telephone number in them, "" where there is none."""

    before: str
    number: str
    after: str

    @property
    def digits(self) -> str:
        """The number as a telephone dials it."""
        return re.sub(r"[^+0-9]", "", self.number)


@sensitive_variables("secret")
def visitor_pass(request: HttpRequest, secret: str) -> HttpResponse:
    """Where the pass stands, in the visitor's language and zone; by POST, inside its window, the code."""
    seen = find_seen(secret)
    if seen is None:
        return _nothing(request)
    language = seen.link.language or translation.get_language()
    with translation.override(language), timezone.override(seen.zone):
        if request.method != "POST":
            return _standing(request, seen)
        return _code(request, secret, seen)


@sensitive_variables("secret", "code")
def _code(request: HttpRequest, secret: str, seen: Seen) -> HttpResponse:
    """The code, or why it is not shown. ``seen`` is how the link stood a moment ago."""
    try:
        seen, code = showing.show(secret, network=network_of(request))
    except showing.LinkOver:
        return _nothing(request)
    except showing.NotNow as not_now:
        return _standing(request, not_now.seen, status=409)
    except showing.TooOften as too_often:
        return _too_often(request, seen, too_often.seconds)
    except PassNotThere as not_there:
        if not_there.is_sure:
            return _standing(request, replace(seen, standing=Standing.OVER), status=409)
        return _no_answer(request, seen)
    except AuditUnavailable:
        title, text = _("The code cannot be shown now"), _("Nothing was asked for. Try again in a minute.")
        return _standing(request, seen, status=503, trouble=(title, text))
    except (NoConnection, errors.UpstreamError):
        return _no_answer(request, seen)
    response = _standing(request, seen, code=code)
    # It goes on by itself, to the page without the code.
    response["Refresh"] = f"{SHOWN_SECONDS}; url={request.path}"
    permit_picture(response)
    return response


@sensitive_variables("code")
def _standing(
    request: HttpRequest,
    seen: Seen,
    *,
    status: int = 200,
    code: PassCode | None = None,
    trouble: tuple[str, str] | None = None,
) -> HttpResponse:
    key = seen.key
    context: dict[str, Any] = {
        "seen": seen,
        "begins": _moment(key.starts_at),
        "ends": _moment(key.ends_at),
        "contact": _contact(seen.contact),
        "code": code,
        "seconds": SHOWN_SECONDS,
        "trouble": trouble,
    }
    return render(request, "access/visitor_pass.html", context, status=status)


def _no_answer(request: HttpRequest, seen: Seen) -> HttpResponse:
    title = _("The door system does not answer now")
    text = _("The code could not be shown. Nothing was changed by that: try again in a minute.")
    return _standing(request, seen, status=503, trouble=(title, text))


def _too_often(request: HttpRequest, seen: Seen, seconds: int) -> HttpResponse:
    minutes = max(1, -(-seconds // 60))
    title = _("The code was asked for many times")
    text = ngettext(
        "It is shown again in a minute.", "It is shown again in %(minutes)d minutes.", minutes
    ) % {"minutes": minutes}
    response = _standing(request, seen, status=429, trouble=(title, text))
    response["Retry-After"] = str(seconds)
    return response


def _nothing(request: HttpRequest) -> HttpResponse:
    """The same for a link that was ended, one that is not whole, and one that never was."""
    if showing.may_miss(network_of(request)):
        return render(request, "access/visitor_nothing.html", status=404)
    response = render(request, "access/visitor_nothing.html", {"is_too_often": True}, status=429)
    response["Retry-After"] = "60"
    return response


def _moment(at: datetime | None) -> Moment | None:
    """As the house's clock shows it; the hour that this clock shows twice with the name that tells which one it is."""
    if at is None:
        return None
    local = timezone.localtime(at)
    year = "" if local.year == timezone.localtime().year else " Y"
    words = format_date(local, f"l j F{year}, H:i")
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        words = f"{words} {local.tzname()}"
    return Moment(at, words)


def _contact(text: str) -> Contact | None:
    if not text:
        return None
    found = _NUMBER.search(text)
    if found is None:
        return Contact(text, "", "")
    return Contact(text[: found.start()], found[0], text[found.end() :])
