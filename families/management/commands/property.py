"""manage.py property: makes a property, or changes one."""

from argparse import ArgumentParser
from typing import Any

from families.services import properties
from portal.audit.trail import By
from portal.console import ConsoleCommand, Stop


class Command(ConsoleCommand):
    help = (
        "Makes a property of ours, or changes the one of that name, and puts families in it. A family is in "
        "one property or in none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what people call it")
        parser.add_argument("--zone", help="its time zone, like Europe/Lisbon (UTC at first)")
        parser.add_argument(
            "--family",
            action="append",
            default=[],
            metavar="RESIDENCE_ID",
            help="a family to put in it (may be given again)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            families = properties.find_families(options["family"])
            made, is_new = properties.set_property(
                By.operator(), options["name"], time_zone=options["zone"], families=families
            )
        except (properties.PropertyRefused, properties.FamilyUnknown) as error:
            raise Stop(f"Nothing was stored: {error}") from None
        done = "added" if is_new else "changed"
        count = made.families.count()
        self.say(f"Property “{made.name}” {done}: {made.time_zone}, families in it: {count}.")
        self.answer(
            {
                "property": made.name,
                "id": made.public_id,
                "zone": made.time_zone,
                "families": count,
                "done": done,
            }
        )
