"""What templates ask of an opening."""

from django import template

from access.models import Opening
from access.services.pictures import has_full_picture
from access.views.pictures import picture_page_url, picture_url

register = template.Library()


@register.simple_tag
def full_picture(opening: Opening) -> dict[str, str]:
    """Where the full picture of an opening is: its address as ``src``, its page as ``page``; empty where there is none."""
    if not has_full_picture(opening.picture, opening.picture_url):
        return {}
    return {"src": picture_url(opening.pk), "page": picture_page_url(opening.pk)}
