"""What signing in must hold for an address: a second factor where one is required, and a recent sign-in."""

from collections.abc import Callable

from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from portal.accounts import codes, guessing, recent
from portal.accounts.models import Role, User
from portal.web.access import policy_of
from portal.web.pages import lead

GetResponse = Callable[[HttpRequest], HttpResponse]
# Of these roles a second factor is required, where it is required at all.
GUARDED = frozenset({Role.MANAGER, Role.AUDITOR})


class SignInMiddleware:
    """Holds a person to what the policy of an address asks of their sign-in, after PolicyMiddleware let them in.

    A form that was sent too late is dropped, never kept in the session: its page comes back empty.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Set by the adapter, where somebody has just shown who they are.
        account = getattr(request, "known_browser_of", "")
        if account:
            guessing.remember_device(request, response, account)
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        arguments: tuple[object, ...],
        named: dict[str, object],
    ) -> HttpResponseBase | None:
        policy = policy_of(request)
        if policy is None or not isinstance(request.user, User):
            return None
        user = request.user
        if policy.needs_second_factor and not policy.is_open and lacks_second_factor(user):
            return lead(request, reverse("mfa_index"))
        if policy.recent_sign_in and not recent.is_recent(request):
            # Somebody who only ever comes from their company's sign-in page has nothing to show yet: they set it up.
            is_first = not policy.needs_second_factor and not recent.can_sign_in_again(user)
            if not (is_first and recent.came_from_elsewhere(request)):
                return recent.sign_in_again(request)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """allauth would keep the form that was sent in the session, and send it again by itself."""
        return recent.sign_in_again(request) if isinstance(exception, ReauthenticationRequired) else None


def needs_second_factor(user: User) -> bool:
    """Whether somebody of this role comes to nothing without a second factor, here."""
    return settings.SECOND_FACTOR_REQUIRED and user.role in GUARDED


def lacks_second_factor(user: User) -> bool:
    """Whether somebody must set up a second factor before they come to anything. One query, where it is required."""
    if not needs_second_factor(user):
        return False
    return not Authenticator.objects.filter(user_id=user.pk, type__in=codes.FACTORS).exists()
