"""Second factors: what a person has, and setting one up."""

from allauth.mfa.models import Authenticator
from django.http import HttpResponse
from django.shortcuts import render

from portal.accounts.gate import lacks_second_factor
from portal.accounts.requests import SignedInRequest


def second_factor_list(request: SignedInRequest) -> HttpResponse:
    """The person's second factors, each with what may be done with it."""
    context = {
        "authenticators": Authenticator.objects.filter(user_id=request.user.pk),
        "is_missing": lacks_second_factor(request.user),
    }
    return render(request, "mfa/index.html", context)
