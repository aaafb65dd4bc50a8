"""Second factors: what a person has, setting one up, and taking one away."""

import json
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from fido2.webauthn import ResidentKeyRequirement, UserVerificationRequirement

from portal.accounts import codes, recent, second_factor
from portal.accounts.forms.second_factor import AppForm, PasskeyForm, PasskeyNameForm
from portal.accounts.gate import lacks_second_factor
from portal.accounts.qr import draw_qr
from portal.accounts.requests import SignedInRequest


def second_factor_list(request: SignedInRequest) -> HttpResponse:
    """The person's second factors, each with what may be done with it."""
    context = {
        "factors": second_factor.get_factors(request.user),
        "is_missing": lacks_second_factor(request.user),
    }
    return render(request, "mfa/index.html", context)


def app_create(request: SignedInRequest) -> HttpResponse:
    """Set up an authenticator app: a picture to read, and its first code."""
    if second_factor.get_factors(request.user).app:
        messages.info(request, _("There is an authenticator app already. Remove it first to set up another."))
        return redirect("mfa_index")
    form = AppForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            fresh = second_factor.add_app(request.user, form.secret, form.step)
        except second_factor.AlreadySetUp:
            return redirect("mfa_index")
        recent.mark(request, request.user, "mfa", type=codes.TOTP)
        return _added(request, fresh, _("The authenticator app is set up."))
    if form.is_stale:
        messages.warning(
            request, _("That picture was too old. Let the app read this one, and delete the earlier entry.")
        )
    url = get_adapter().build_totp_url(request.user, form.secret)
    context = {"form": form, "secret": form.secret, "qr": draw_qr(url), "url": url}
    return render(
        request, "mfa/totp/activate_form.html", context, status=422 if request.method == "POST" else 200
    )


def passkey_create(request: SignedInRequest) -> HttpResponse:
    """Set up a passkey; the browser and the device do it, and hand over what they made."""
    form = PasskeyForm(request.POST or None, initial={"name": ""})
    if request.method == "POST" and form.is_valid():
        try:
            fresh = second_factor.add_passkey(
                request.user, form.cleaned_data["name"], form.cleaned_data["credential"]
            )
        except second_factor.AlreadySetUp:
            form.add_error(None, _("You have as many passkeys as one may have. Remove one first."))
        else:
            recent.mark(request, request.user, "mfa", type=codes.PASSKEY)
            return _added(request, fresh, _("The passkey is set up."))
    context = {"form": form, "options": json.dumps(_creation_options(request))}
    return render(
        request, "mfa/webauthn/add_form.html", context, status=422 if request.method == "POST" else 200
    )


def passkey_rename(request: SignedInRequest, authenticator_id: str) -> HttpResponse:
    """Another name for a passkey."""
    row = _find(request, authenticator_id)
    if row.type != codes.PASSKEY:
        raise Http404
    form = PasskeyNameForm(request.POST or None, initial={"name": row.data["name"]})
    if request.method == "POST" and form.is_valid():
        second_factor.rename_passkey(request.user, row, form.cleaned_data["name"])
        return redirect("mfa_index")
    context = {"form": form, "name": row.data["name"], "authenticator_id": authenticator_id}
    return render(
        request, "mfa/webauthn/edit_form.html", context, status=422 if request.method == "POST" else 200
    )


def second_factor_remove(request: SignedInRequest, authenticator_id: str) -> HttpResponse:
    """Asks whether an app or a passkey is to go, and takes it away."""
    row = _find(request, authenticator_id)
    factors = second_factor.get_factors(request.user)
    if request.method == "POST":
        try:
            second_factor.remove(request.user, row)
        except second_factor.LastFactor:
            messages.error(
                request, _("This is your only second factor, and you must have one. Set up another first.")
            )
        else:
            messages.success(request, _("It is removed. Nobody signs in with it any more."))
        return redirect("mfa_index")
    context = {
        "row": row,
        "kind": second_factor.KINDS[row.type],
        "name": row.data.get("name", ""),
        "authenticator_id": authenticator_id,
        "is_last": len(factors.passkeys) + bool(factors.app) == 1,
    }
    return render(request, "mfa/remove.html", context)


def recovery_code_create(request: SignedInRequest) -> HttpResponse:
    """Asks first, since the earlier codes die, and shows the new ones, once."""
    factors = second_factor.get_factors(request.user)
    if not factors.is_any:
        return redirect("mfa_index")
    if request.method == "POST":
        return _show_codes(request, second_factor.make_codes(request.user))
    return render(request, "mfa/recovery_codes/generate.html", {"left": factors.codes_left})


def _find(request: SignedInRequest, authenticator_id: str) -> Authenticator:
    row = second_factor.find_authenticator(request.user, authenticator_id)
    if row is None:
        raise Http404
    return row


def _added(request: SignedInRequest, fresh: list[str], words: str) -> HttpResponse:
    messages.success(request, words)
    return _show_codes(request, fresh) if fresh else redirect("mfa_index")


def _show_codes(request: SignedInRequest, fresh: list[str]) -> HttpResponse:
    # Design decision: the codes stand in the answer to the form itself. A redirect would have to keep them somewhere.
    return render(request, "mfa/recovery_codes/index.html", {"codes": fresh, "next": reverse("mfa_index")})


def _creation_options(request: SignedInRequest) -> dict[str, Any]:
    options, state = auth.get_server().register_begin(
        user=auth.build_user_payload(request.user),
        credentials=auth.get_credentials(request.user),
        # As good as the device can: then it also signs in by itself, without a password.
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
        extensions=auth.EXTENSIONS,
    )
    auth.set_state(state)
    return dict(options)
