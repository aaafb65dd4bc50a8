"""What stands between the password and being signed in."""

from typing import Any

from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

# Set on a sign-in whose second factor came together with the password.
BOTH_SHOWN = "both_shown"
# What the person's password was when the sign-in came here, as sessions keep it.
_PASSWORD_THEN = "password_then"  # noqa: S105


class SecondFactorStage(AuthenticateStage):
    """Asks for the second factor, unless it was shown together with the password or is what one signed in with."""

    def handle(self) -> Any:
        self.login.state[_PASSWORD_THEN] = self.login.user.get_session_auth_hash()
        return super().handle()

    def is_still_good(self) -> bool:
        """Whether what was shown before still counts: not after a new password, nor once somebody is switched off."""
        user = self.login.user
        then = str(self.login.state.get(_PASSWORD_THEN, ""))
        return bool(user.is_active) and constant_time_compare(then, user.get_session_auth_hash())

    def _should_handle(self, request: HttpRequest) -> bool:
        if self.login.state.get(BOTH_SHOWN):
            return False
        return bool(super()._should_handle(request))
