"""What stands between the password and being signed in."""

from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest

# Set on a sign-in whose second factor came together with the password.
BOTH_SHOWN = "both_shown"


class SecondFactorStage(AuthenticateStage):
    """Asks for the second factor, unless it was shown together with the password or is what one signed in with."""

    def _should_handle(self, request: HttpRequest) -> bool:
        if self.login.state.get(BOTH_SHOWN):
            return False
        return bool(super()._should_handle(request))
