"""Makes the demo's database, connection, properties and people, as far as they are not there yet.

A process of its own, since it needs Django, and one for all steps, since starting Django takes longer than most
of them. The plan comes as JSON on standard input: it holds passwords. Every step may be done again: where an
earlier start was cut off, this one goes on.
"""

import io
import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import django
from django.core.management import CommandError, call_command

CONNECTION = "Riverside"
ZONE = "Europe/London"


def main() -> None:
    """Do what is missing, in order: tables, connection, families, properties, people, everything else."""
    plan = json.load(sys.stdin)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from portal.supervisor.prepare import is_migrated

    if not is_migrated():
        call_command("migrate", interactive=False, verbosity=0)

    from portal.accounts.models import User
    from portal.connections.models import Connection

    url = plan["simulator"]
    emails = [person["email"] for person in plan["people"].values()]
    has_people = User.objects.filter(email__in=emails).count() == len(emails)
    if not Connection.objects.filter(name=CONNECTION, base_url=url).exists():
        sign_in = fetch(f"{url}/_simulator/sign-in")
        with_input(sign_in["token"], "connect", CONNECTION, "--url", url, "--token-stdin")
    if has_people and not plan["set_passwords"]:
        return
    estate = fetch(f"{url}/_simulator/estate")
    try:
        call_command("sync", connection=CONNECTION, verbosity=0)
    except CommandError as error:
        # Some family could not be read. The others can be shown, and the worker tries that one again.
        print(f"sync: {error}", flush=True)
    make_properties(estate)
    # Last, since their being there says that all the rest is.
    make_people(plan["people"], estate)


def make_properties(estate: dict[str, Any]) -> None:
    """The estate's properties, each with its families."""
    for name in estate["properties"]:
        families = [one["residence_id"] for one in reachable(estate) if one["property"] == name]
        words = [word for family in families for word in ("--family", family)]
        call_command("property", name, "--zone", ZONE, *words)


def make_people(people: dict[str, dict[str, str]], estate: dict[str, Any]) -> None:
    """One of each role; the family admin has a family with several members and a door that is online."""
    family = next(
        one
        for one in reachable(estate)
        if len(one["members"]) > 2 and any(device["online"] and device["relays"] for device in one["devices"])
    )
    member = family["members"][0]
    names = {
        "manager": "Morgan Reyes",
        "auditor": "Ines Novak",
        "family-admin": f"{member['first_name']} {member['last_name']}",
    }
    for role, person in people.items():
        words = ["--family", family["residence_id"]] if role == "family-admin" else []
        with_input(
            person["password"],
            *("adduser", person["email"], "--role", role, "--name", names[role], *words, "--password-stdin"),
        )


def reachable(estate: dict[str, Any]) -> list[dict[str, Any]]:
    """The families that the connection reaches."""
    return [one for one in estate["families"] if not one["is_gone"]]


def with_input(secret: str, *words: str) -> None:
    """Run a management command that reads a secret from standard input."""
    sys.stdin = io.StringIO(secret + "\n")
    call_command(*words)


def fetch(url: str) -> Any:
    """What the simulator says about itself; it may only just be starting."""
    # Whatever proxy the environment names, this machine is not behind it.
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 30
    while True:
        try:
            with directly.open(url, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    main()
