"""The tag that tells since when something is as it is."""

import datetime as dt

from django import template
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.web.templatetags.web import exact

register = template.Library()


@register.simple_tag
def since(value: dt.datetime | None) -> SafeString | str:
    """ "since 14:02", with the exact time and its zone on hover; "" for None.

    Never relative: "since 5 minutes ago" is not English, and would have to be kept true on an open page.
    """
    if value is None:
        return ""
    moment = value.astimezone(dt.UTC).isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', moment, exact(value), _words(value))


def _words(value: dt.datetime) -> str:
    local = timezone.localtime(value)
    days = (timezone.localdate() - local.date()).days
    clock = format_date(local, "H:i")
    if days == 0:
        return _("since %s") % clock
    if days == 1:
        return _("since yesterday %s") % clock
    if 0 < days < 7:
        return _("since %s") % f"{format_date(local, 'l')} {clock}"
    return _("since %s") % format_date(local, "j M Y")
