"""Finds the account that a form is about, before its view runs."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpResponse

from access.services.credentials.accounts import NoAccount, account_of
from access.views.credentials import parts, telling
from families.models import Family, Reach
from families.views.parts import find_family
from portal.accounts.requests import SignedInRequest

View = Callable[[SignedInRequest, Family, str, Reach], HttpResponse]


def of_account(view: View) -> Callable[[SignedInRequest, str], HttpResponse]:
    """A view of one account in a family: where none is named, or it is not there any more, that is told instead.

    ``view`` takes the family, whose account it is (Holder), and the account.
    """

    @wraps(view)
    def found(request: SignedInRequest, family_id: str) -> HttpResponse:
        family = find_family(request, family_id)
        holder = parts.holder_in(request.POST if request.method == "POST" else request.GET)
        if not holder:
            return parts.answer(request, family, telling.nothing_named())
        try:
            reach = account_of(request.user, family, holder)
        except NoAccount:
            return parts.answer(request, family, telling.no_account(holder))
        return view(request, family, holder, reach)

    return found
