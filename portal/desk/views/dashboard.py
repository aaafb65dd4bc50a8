"""The first page: what needs attention, the day, and how fresh all of it is; for a family admin, their home."""

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from families.models import Family
from families.selectors import granted
from portal.accounts.requests import SignedInRequest
from portal.desk import attention, day, log, rows
from portal.web.pages import render_page

LATEST_ROWS = 8


def dashboard(request: SignedInRequest) -> HttpResponse:
    """The first page after signing in."""
    user = request.user
    found = attention.list_attention(user)
    latest, _cursor = log.list_log(user, log.LogFilter())
    freshness = log.freshness(user)
    homes = (
        list(Family.objects.visible_to(user).filter(gone_at=None).order_by("search_text", "pk")[:12])
        if user.is_family_admin
        else []
    )
    context = {
        "greeting": _greeting(str(user)),
        "line": ngettext("%d thing needs you", "%d things need you", len(found)) % len(found)
        if found
        else _("All is well"),
        "attention": found,
        "calm_title": _("A quiet day"),
        "calm_detail": _("Every connection answers, no door is offline, nothing waits for you."),
        "days": rows.days(user, latest[:LATEST_ROWS]),
        "homes": homes,
        "has_nothing": not homes if user.is_family_admin else False,
        "as_of": freshness.as_of,
        "is_stale": freshness.behind > 0,
        "stale_words": _("some families could not be read") if freshness.behind else "",
    }
    if not user.is_family_admin:
        hours = day.count_hours(user)
        estate = day.count_estate(user)
        opened, refused = sum(hour.opened for hour in hours), sum(hour.refused for hour in hours)
        context |= {
            "hours": hours,
            "bars_label": _("Openings by hour, today: %(opened)d opened, %(refused)d refused")
            % {"opened": opened, "refused": refused},
            "estate": estate,
            "has_nothing": not estate.families,
        }
    if granted.has_nothing_granted(user):
        context |= {
            "line": _("Nothing is given to you yet"),
            "is_to_ask": True,
            "to_ask": granted.list_managers_to_ask(user),
        }
    return render_page(request, "desk/dashboard.html", "desk/_dashboard.html", context)


def _greeting(name: str) -> str:
    hour = timezone.localtime().hour
    if 5 <= hour < 12:
        words = _("Good morning, %(name)s")
    elif 12 <= hour < 18:
        words = _("Good afternoon, %(name)s")
    else:
        words = _("Good evening, %(name)s")
    return words % {"name": name}
