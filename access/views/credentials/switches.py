"""Turns NFC and Bluetooth of an account on and off."""

from django.http import HttpResponse

from access.models import CredentialKind
from access.services.credentials import switches
from access.services.credentials.accounts import NoAccount, account_of
from access.views.credentials import parts, telling
from families.views.parts import find_family
from portal.accounts.requests import SignedInRequest


def credential_switch(request: SignedInRequest, family_id: str) -> HttpResponse:
    """Turn NFC or Bluetooth on or off; the list as it is then, and what became of it."""
    family = find_family(request, family_id)
    holder, kind, on = parts.holder_in(request.POST), request.POST.get("kind", ""), request.POST.get("on", "")
    if not holder or kind not in parts.SWITCHES or on not in {"yes", "no"}:
        return parts.answer(request, family, telling.nothing_named())
    chosen, is_on = CredentialKind(kind), on == "yes"
    try:
        reach = account_of(request.user, family, holder)
    except NoAccount:
        return parts.answer(request, family, telling.no_account(holder))
    outcome = telling.outcome_of(
        lambda: switches.switch(
            request.user,
            family=family,
            holder=holder,
            account_id=reach.account_id,
            kind=chosen,
            is_on=is_on,
            press=parts.read_press_on(request, family, reach, kind),
        ),
        telling.of_switch(chosen, is_on=is_on),
        holder,
    )
    return parts.answer(request, family, outcome)
