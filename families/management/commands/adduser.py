"""manage.py adduser: makes a person, or changes one."""

from argparse import ArgumentParser
from typing import Any

from families.selectors.scopes import scope_words
from families.services import people, properties
from portal.accounts.models import Role, User
from portal.accounts.people import PersonRefused
from portal.audit.trail import By
from portal.console import ConsoleCommand, Stop, read_lines
from portal.upstream.text import clean

ROLES = {"manager": Role.MANAGER, "auditor": Role.AUDITOR, "family-admin": Role.FAMILY_ADMIN}


class Command(ConsoleCommand):
    help = (
        "Makes a person, or changes the one of that address. Somebody new without a password is invited: it prints "
        "the link by which they join, once, within 72 hours. Properties or families that are given become "
        "exactly the person's; what is not given stays as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the e-mail address they sign in with")
        parser.add_argument("--role", required=True, choices=ROLES)
        parser.add_argument("--name", help="what people call them")
        parser.add_argument(
            "--property",
            action="append",
            metavar="NAME",
            help="limits a manager or an auditor to this property (may be given again)",
        )
        parser.add_argument(
            "--unlimited", action="store_true", help="lifts the limits of a manager or an auditor"
        )
        parser.add_argument(
            "--family",
            action="append",
            metavar="RESIDENCE_ID",
            help="a family that a family admin looks after from now on (may be given again)",
        )
        parser.add_argument(
            "--password-stdin", action="store_true", help="reads the password from standard input"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["unlimited"] and options["property"]:
            raise Stop("--unlimited and --property contradict each other")
        name = options["name"]
        if name is not None:
            name = clean(name).strip()
            if len(name) > 100 or not name.isprintable():
                raise Stop("the name must be at most 100 characters in one line")
        password = read_lines("password")[0] if options["password_stdin"] else None
        given, families = options["property"], options["family"]
        try:
            wanted = people.Wanted(
                role=ROLES[options["role"]],
                name=name,
                properties=None if given is None else properties.find_properties(given),
                families=None if families is None else properties.find_families(families),
                is_unlimited=options["unlimited"],
                password=password,
            )
            made = people.set_person(By.operator(), options["email"], wanted)
        except (PersonRefused, properties.PropertyRefused, properties.FamilyUnknown) as error:
            raise Stop(f"Nothing was stored: {error}") from None
        user, done = made.person, "added" if made.is_new else "changed"
        self.say(f"{user.email} {done}: {user.get_role_display()}, {_scope(user)}.")
        if made.link:
            self.say(f"They join here, once, within 72 hours:\n{made.link}")
        self.answer(
            {
                "email": user.email,
                "id": user.public_id,
                "role": options["role"],
                "scope": _scope(user),
                "joined": user.joined_at is not None,
                "link": made.link or None,
                "done": done,
            }
        )


def _scope(user: User) -> str:
    words = scope_words(user)
    if user.is_family_admin:
        return f"looks after {words}" if words else "without a family yet"
    if not user.is_limited:
        return words
    return f"limited to {words}" if words else "limited, and without a property yet"
