"""Registers and deletes the face of an account."""

from django.http import HttpResponse

from access.forms.credentials import FaceForm
from access.models import CredentialKind
from access.services.credentials import faces
from access.views.credentials import parts, telling
from access.views.credentials.account import of_account
from families.models import Family, Reach
from families.views.members.parts import show
from families.views.outcomes import Outcome
from portal.accounts.requests import SignedInRequest
from portal.web.presses import new_press

PURPOSE = "face-register"


@of_account
def face_register(request: SignedInRequest, family: Family, holder: str, reach: Reach) -> HttpResponse:
    """The form for the name of a face's picture, and its registration."""
    if request.method != "POST":
        return _show(request, family, holder, reach, FaceForm())
    form = FaceForm(request.POST)
    if not form.is_valid():
        return _show(request, family, holder, reach, form, status=422)
    filename = form.cleaned_data["filename"]
    outcome = telling.outcome_of(
        lambda: faces.register_face(
            request.user,
            family=family,
            holder=holder,
            account_id=reach.account_id,
            filename=filename,
            press=parts.read_press_on(request, family, reach, PURPOSE),
        ),
        telling.of_registration(filename),
        holder,
    )
    if outcome.is_done:
        return parts.leave(request, family, outcome)
    return _show(request, family, holder, reach, form, outcome)


@of_account
def face_delete(request: SignedInRequest, family: Family, holder: str, reach: Reach) -> HttpResponse:
    """Take the face of an account off the file; the list asked first."""
    outcome = telling.outcome_of(
        lambda: faces.delete_face(
            request.user,
            family=family,
            holder=holder,
            account_id=reach.account_id,
            press=parts.read_press_on(request, family, reach, CredentialKind.FACE),
        ),
        telling.of_face_deletion(),
        holder,
    )
    return parts.answer(request, family, outcome)


def _show(
    request: SignedInRequest,
    family: Family,
    holder: str,
    reach: Reach,
    form: FaceForm,
    outcome: Outcome | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        **parts.form_context(request, family, holder, reach),
        "form": form,
        "press": new_press(request.user.id, parts.purpose_of(family, reach, PURPOSE)),
    }
    return show(
        request, "access/face_register.html", "access/_face_register.html", context, outcome, status=status
    )
