"""manage.py audit_export: the trail as JSON lines, with what a third party needs to recompute the chain."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from portal.audit import trail
from portal.audit.chain import SIGNED
from portal.audit.models import Entry
from portal.audit.trail import AuditUnavailable, By
from portal.console import ConsoleCommand, Stop

CHUNK = 2_000
HOW = (
    "canonical is the JSON array of the columns named here, in this order, with ASCII escapes and no spaces, times "
    "in UTC with microseconds; mac is HMAC-SHA256 in hex, with the key named key_id (the base64-decoded part of "
    "its line), of the mac of the entry before ('' for number 1), '|', and canonical"
)


class Command(ConsoleCommand):
    help = (
        "Writes the audit trail to standard output: first a line that says how it is signed, then one JSON "
        "object for each entry. Whoever has the key can recompute the chain from it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=int, default=1, metavar="NUMBER")
        parser.add_argument("--to", dest="last", type=int, metavar="NUMBER")

    def handle(self, *args: Any, **options: Any) -> None:
        first, last = options["first"], options["last"]
        if first < 1 or (last is not None and last < first):
            raise Stop("--from and --to are numbers of entries, from 1 on, in that order")
        try:
            trail.record_first(
                "audit.exported", By.operator(), parameters={"first": first, "last": last or "the newest"}
            )
        except AuditUnavailable as error:
            raise Stop(f"Nothing was exported: the audit trail is not available ({error}).") from error
        before = Entry.objects.filter(number=first - 1).values_list("mac", flat=True).first()
        self.stdout.write(
            json.dumps({"columns": SIGNED, "how": HOW, "first": first, "previous_mac": before or ""})
        )
        rows = Entry.objects.filter(number__gte=first).order_by("number")
        if last is not None:
            rows = rows.filter(number__lte=last)
        count = 0
        for number, canonical, mac in rows.values_list("number", "canonical", "mac").iterator(CHUNK):
            entry = dict(zip(SIGNED, json.loads(canonical), strict=True))
            self.stdout.write(json.dumps({**entry, "number": number, "canonical": canonical, "mac": mac}))
            count += 1
        if sys.stderr.isatty():
            self.stderr.write(f"{count} entries")
