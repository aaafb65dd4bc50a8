"""manage.py reset_second_factor: lets somebody in who lost their second factor."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from portal.accounts import second_factor
from portal.accounts.gate import needs_second_factor
from portal.accounts.models import User
from portal.audit.trail import By
from portal.console import ConsoleCommand, Stop


class Command(ConsoleCommand):
    help = (
        "Takes all second factors and recovery codes from a person who lost theirs, and ends their sessions. Their "
        "password stays. Make sure by another way than mail that it is they who ask."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the e-mail address they sign in with")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip()
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise Stop(f"There is nobody with the address {email[:100]!r}. Nothing was changed.")
        number = second_factor.reset(By.operator(), user)
        must_have = needs_second_factor(user)
        self.say(
            f"{user.email}: {number} second factor{'' if number == 1 else 's'} removed, all sessions ended."
            if number
            else f"{user.email} had no second factor. All sessions are ended."
        )
        self.say(_next_step(user, must_have))
        self.answer(
            {
                "email": user.email,
                "id": user.public_id,
                "removed": number,
                "second_factor_required": must_have,
                "has_password": user.has_usable_password(),
            }
        )


def _next_step(user: User, must_have: bool) -> str:
    page = f"{settings.PUBLIC_URL}/account/login/"
    if not user.is_active:
        return "They are switched off, and cannot sign in before a manager switches them on."
    if not user.has_usable_password():
        return f"They have no password: they come by their company's sign-in page, or ask for a password at {page}"
    then = " and set up a new one before they see anything" if must_have else ""
    return f"They sign in with their password alone at {page}{then}. Tell them."
