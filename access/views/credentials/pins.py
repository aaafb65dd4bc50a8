"""Changes a PIN. What is typed is held by the request alone: no form, page, session or log has it afterwards."""

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from access.forms.credentials import PinForm
from access.services.credentials import pins
from access.services.credentials.pins import SamePin
from access.views.credentials import parts, telling
from access.views.credentials.account import of_account
from families.models import Family, Reach
from families.views.members.parts import show
from families.views.outcomes import Outcome
from portal.accounts.requests import SignedInRequest
from portal.web.presses import new_press

PURPOSE = "pin"


@sensitive_post_parameters("pin", "again")
@sensitive_variables("form")
@of_account
def pin_change(request: SignedInRequest, family: Family, holder: str, reach: Reach) -> HttpResponse:
    """The form for another PIN of an account, and the change."""
    if request.method != "POST":
        return _show(request, family, holder, reach, PinForm())
    form = PinForm(request.POST)
    if not form.is_valid():
        return _show(request, family, holder, reach, form, status=422)
    try:
        outcome = telling.outcome_of(
            lambda: pins.change_pin(
                request.user,
                family=family,
                holder=holder,
                account_id=reach.account_id,
                pin=form.cleaned_data["pin"],
                press=parts.read_press_on(request, family, reach, PURPOSE),
            ),
            telling.of_pin(),
            holder,
        )
    except SamePin:
        form.add_error("pin", _("It is the PIN of now already. Take another."))
        return _show(request, family, holder, reach, form, status=422)
    if outcome.is_done:
        return parts.leave(request, family, outcome)
    return _show(request, family, holder, reach, PinForm(), outcome)


def _show(
    request: SignedInRequest,
    family: Family,
    holder: str,
    reach: Reach,
    form: PinForm,
    outcome: Outcome | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        **parts.form_context(request, family, holder, reach),
        "form": form,
        "is_emptied": form.is_bound or outcome is not None,
        "press": new_press(request.user.id, parts.purpose_of(family, reach, PURPOSE)),
    }
    return show(request, "access/pin_change.html", "access/_pin_change.html", context, outcome, status=status)
