"""manage.py audit_verify: says whether the trail is as it was written."""

import sys
from contextlib import suppress
from typing import Any

from portal.audit import trail
from portal.audit.trail import AuditUnavailable, By
from portal.audit.verification import verify
from portal.console import ConsoleCommand, Stop

BROKEN, NOT_CHECKED = 1, 2


class Command(ConsoleCommand):
    help = (
        "Checks every entry of the audit trail against its signature, the one before it, and the heads kept "
        "outside the database, and every command against its entries. Exits with 0 when it is valid, 1 when it is broken (and says where and how), "
        "2 when it could not be checked."
    )
    unforeseen_code = NOT_CHECKED

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            verdict = verify(self._progress)
        except (OSError, ValueError) as error:
            raise Stop(f"The trail could not be checked: {error}", NOT_CHECKED) from error
        self.answer(
            {
                "valid": verdict.is_valid,
                "entries": verdict.entries,
                "heads": verdict.heads,
                "broken_at": verdict.broken_at,
                "reason": verdict.reason,
                "missing_triggers": list(verdict.unprotected),
            }
        )
        if verdict.reason:
            where = "" if verdict.broken_at is None else f" at entry {verdict.broken_at}"
            raise Stop(
                f"Broken{where}: {verdict.reason} (entries that hold in the chain: {verdict.entries}, "
                f"heads: {verdict.heads}).",
                BROKEN,
            )
        if verdict.unprotected:
            raise Stop(
                f"{verdict.entries} entries hold, but the triggers that protect them are missing or changed: "
                f"{', '.join(verdict.unprotected)}. Run manage.py migrate.",
                BROKEN,
            )
        # Only into a trail that holds: what is broken stays as it was found.
        with suppress(AuditUnavailable):
            trail.record_first("audit.verified", By.operator(), parameters={"entries": verdict.entries})
        self.say(f"Valid: {verdict.entries} entries, {verdict.heads} heads kept outside the database.")

    def _progress(self, count: int) -> None:
        if sys.stderr.isatty() and not self.is_json:
            self.stderr.write(f"\r{count:,} entries", ending="")
