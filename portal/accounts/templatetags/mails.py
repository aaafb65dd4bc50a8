"""The tag that tells where mails go."""

from django import template

from portal.accounts.mails import are_shown_here

register = template.Library()


@register.simple_tag
def mails_stay_here() -> bool:
    """Whether mails are only written to this machine's log."""
    return are_shown_here()
