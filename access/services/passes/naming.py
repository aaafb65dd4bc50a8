"""How the trail names a pass."""

from django.utils.translation import gettext as _

from access.models import TempKey
from families.models import Family
from portal.audit.trail import About


def about(key: TempKey) -> About:
    """The pass with its family."""
    family: Family = key.family
    return About(family.pk, family.name, "pass", key.public_id, name_of(key))


def name_of(key: TempKey) -> str:
    """Its label, or that nobody here gave it one."""
    return key.label or _("a pass made elsewhere")
