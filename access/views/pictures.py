"""The full picture of an opening: as a file for the row that is opened in place, and as a page that says why there is none."""

import base64
from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from access.models import Opening
from access.services import pictures
from access.services.pictures import FullPicture, NotShown
from portal.accounts.requests import SignedInRequest
from portal.ids import find_hidden, hidden_id
from portal.web.pages import render_page

# Where it is not there, and where it may come a little later.
_STATUS: dict[NotShown, int] = {
    "none": 200,
    "not_allowed": 200,
    "no_picture": 200,
    "gone": 200,
    "late": 503,
    "busy": 503,
}


def opening_picture(request: SignedInRequest, opening_id: str) -> HttpResponse:
    """The full picture as a JPEG, for those who may see the row; no more than a status where there is none."""
    found = pictures.fetch_full(_opening(request, opening_id))
    if found.jpeg is None:
        # Not a 404: nobody was denied anything.
        return HttpResponse(status=503 if found.why in {"late", "busy"} else 502, content_type="image/jpeg")
    return HttpResponse(
        found.jpeg,
        content_type="image/jpeg",
        headers={
            "Content-Disposition": 'inline; filename="picture.jpg"',
            "Cache-Control": "no-store, private",
        },
    )


def opening_picture_page(request: SignedInRequest, opening_id: str) -> HttpResponseBase:
    """The full picture with what the log says of it, or in words why it is not there and what to do."""
    opening = _opening(request, opening_id)
    found = pictures.fetch_full(opening)

    @csp_update({"img-src": ["data:"]})
    def shown(request: HttpRequest) -> HttpResponseBase:
        return render_page(
            request,
            "access/opening_picture.html",
            "access/_opening_picture.html",
            _context(request, opening, found),
            status=_STATUS[found.why] if found.why else 200,
        )

    return shown(request)


def picture_url(opening_pk: int) -> str:
    """Where the full picture of an opening is, for those who may see its row."""
    return reverse("access:opening_picture", args=[hidden_id(opening_pk, "opening")])


def picture_page_url(opening_pk: int) -> str:
    """The page of that picture, which also says why there is none."""
    return reverse("access:opening_picture_page", args=[hidden_id(opening_pk, "opening")])


def _opening(request: SignedInRequest, opening_id: str) -> Opening:
    pk = find_hidden(opening_id, "opening")
    visible = Opening.objects.visible_to(request.user).select_related("family", "command")
    return get_object_or_404(visible, pk=pk)


def _context(request: HttpRequest, opening: Opening, found: FullPicture) -> dict[str, Any]:
    drawn = base64.b64encode(found.jpeg).decode() if found.jpeg is not None else ""
    title, detail = _words(found.why) if found.why else ("", "")
    return {
        "opening": opening,
        "who": (opening.command.actor_name if opening.command else "") or opening.account_name,
        "picture_src": f"data:image/jpeg;base64,{drawn}" if drawn else "",
        "title": title,
        "detail": detail,
        "may_come": found.why in {"late", "busy"},
        "again_url": request.path,
        "back_url": reverse("desk:family_log", args=[opening.family.public_id]),
    }


def _words(why: NotShown) -> tuple[str, str]:
    """What is the matter, and what can be done."""
    match why:
        case "none":
            return _("There is no picture"), _("The camera took none, or the door system told of none.")
        case "not_allowed":
            return (
                _("The picture's address is not allowed"),
                _(
                    "Nothing was fetched. If it is a host of the door system, whoever runs Gatehouse can permit it "
                    "(CAPTURE_HOSTS)."
                ),
            )
        case "no_picture":
            return (
                _("What came is no picture"),
                _("The address gave something that is never shown. The row itself is kept."),
            )
        case "gone":
            return (
                _("The door system does not give it any more"),
                _(
                    "It keeps pictures for a while only. The small one in the log stays, where it was fetched in time."
                ),
            )
        case "busy":
            return _("Other pictures are being fetched"), _("Nothing was asked. Try again in a few seconds.")
        case "late":
            return (
                _("The picture did not come in time"),
                _("The row and its small picture are kept. Try again in a moment."),
            )
