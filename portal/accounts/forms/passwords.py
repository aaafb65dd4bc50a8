"""A password that somebody chooses: it keeps to the rules, and is typed twice."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from portal.accounts import people
from portal.accounts.models import User


class ChosenPasswordForm(forms.Form):
    """The fields ``password`` and ``again``, which each form labels in its own words."""

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user

    def clean_password(self) -> str:
        """A password that keeps to the rules, for this person."""
        password = str(self.cleaned_data["password"])
        try:
            people.check_password(password, self.user)
        except people.PersonRefused as error:
            raise ValidationError(str(error)) from None
        return password

    def clean(self) -> None:
        """Both are the same one."""
        password, again = self.cleaned_data.get("password"), self.cleaned_data.get("again")
        if password and again and password != again:
            self.add_error("again", gettext("This is not the same password. Type both once more."))
