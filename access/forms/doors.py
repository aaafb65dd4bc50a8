"""What people may ask of a door."""

from django import forms
from django.utils.translation import gettext_lazy as _

REASON_LENGTH = 200


class OpenDoorForm(forms.Form):
    """A press: its token, an optional reason, and whether one was asked after a press moments ago."""

    press = forms.CharField(max_length=400, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        required=False,
        help_text=_("Kept in the audit trail, for example: locked out, called at 16:41."),
    )
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)
