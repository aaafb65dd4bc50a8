"""The tag that names the company at which people may sign in."""

from django import template
from django.conf import settings

from portal.accounts import openid

register = template.Library()


@register.simple_tag
def openid_company() -> str:
    """What people call the company's provider; "" where there is none."""
    return settings.OIDC_NAME if openid.is_configured() else ""
