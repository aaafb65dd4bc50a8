"""What people may type about families, properties and people, and what is said when it cannot be."""

from families.forms.families import InviteForm, NameForm
from families.forms.properties import PropertyForm
from families.forms.texts import EMAIL_LENGTH, check_visible, one_address

__all__ = ["EMAIL_LENGTH", "InviteForm", "NameForm", "PropertyForm", "check_visible", "one_address"]
