"""Search from everywhere."""

from django.http import HttpResponse

from portal.accounts.requests import SignedInRequest
from portal.desk import search as finder
from portal.web.pages import render_page


def search(request: SignedInRequest) -> HttpResponse:
    """What carries the asked text in its name: families, members, doors, passes."""
    text = request.GET.get("q", "").strip()[:100]
    context = {"search_text": text, "found": finder.find(request.user, text)}
    return render_page(request, "desk/search.html", "desk/_search.html", context)
