"""What a person reaches, in words."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from families.models import PropertyLimit
from families.scope import grants_not_over
from portal.accounts.models import User

# More names than this are counted.
NAMED = 3


def scope_words(person: User) -> str:
    """What the person reaches, as a mail or a line of a command says it."""
    if person.is_family_admin:
        live = grants_not_over().filter(person=person, suspended_at=None)
        return named(list(live.order_by("family__search_text", "pk").values_list("family__name", flat=True)))
    if not person.is_limited:
        return _("everything")
    limits = PropertyLimit.objects.filter(person=person)
    return named(list(limits.order_by("property__name").values_list("property__name", flat=True)))


def named(names: Sequence[str]) -> str:
    """The first names, and how many more there are; "" for none."""
    names = [name or _("(no name)") for name in names]
    shown, more = ", ".join(names[:NAMED]), len(names) - NAMED
    if more > 0:
        return ngettext("%(names)s and %(n)d more", "%(names)s and %(n)d more", more) % {
            "names": shown,
            "n": more,
        }
    return shown
