"""What people may type about families, properties and people, and what is said when it cannot be."""

from families.forms.families import EMAIL_LENGTH, InviteForm, NameForm, check_visible
from families.forms.properties import PropertyForm

__all__ = ["EMAIL_LENGTH", "InviteForm", "NameForm", "PropertyForm", "check_visible"]
