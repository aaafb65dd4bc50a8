"""manage.py forget_openid: forgets which account at the company's provider is a person's."""

from argparse import ArgumentParser
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import About, By
from portal.console import ConsoleCommand, Stop


class Command(ConsoleCommand):
    help = (
        "Forgets which account at the OpenID Connect provider is a person's: the next one that it vouches for with "
        "the person's verified address becomes theirs. For somebody whose account there was made anew."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the e-mail address they sign in with")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            email = options["email"].strip()
            person = User.objects.select_for_update().filter(email__iexact=email).first()
            if person is None:
                raise Stop(f"Nobody has the address {email[:100]!r}.")
            accounts = SocialAccount.objects.filter(user=person).order_by("pk")
            known = [{"issuer": one.provider, "subject": one.uid} for one in accounts]
            accounts.delete()
            if known:
                about = About(kind="person", id=person.public_id, name=person.email)
                trail.record("person.openid_unlink", By.operator(), about, parameters={"before": known})
        if known:
            self.say(f"Forgotten: {person.email} signs in with OpenID Connect as if for the first time.")
        else:
            self.say(f"{person.email} never signed in with OpenID Connect: nothing was changed.")
        self.answer({"email": person.email, "forgotten": known})
