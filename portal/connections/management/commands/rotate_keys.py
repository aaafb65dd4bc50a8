"""manage.py rotate_keys: a new key for stored tokens, while everything runs."""

from argparse import ArgumentParser
from typing import Any

from portal.audit.trail import AuditUnavailable, By
from portal.connections import rotation
from portal.connections.rotation import NotRotated
from portal.console import ConsoleCommand, Stop


class Command(ConsoleCommand):
    help = (
        "Makes a new encryption key and seals every stored token and secret with it, while everything runs. "
        "With --retire it makes none, seals what an old key still seals, and drops the keys that nothing uses: "
        "keep them yourself for as long as you keep backups from before. The audit keys are never touched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--retire", action="store_true", help="drops the keys that nothing uses any more")

    def handle(self, *args: Any, **options: Any) -> None:
        work = rotation.retire if options["retire"] else rotation.rotate
        try:
            done = work(By.operator())
        except AuditUnavailable as error:
            raise Stop(f"The audit trail is not available ({error}).") from error
        except NotRotated as error:
            raise Stop(str(error)) from error
        self.say(f"Sealed with key {done.key_id} now: {done.resealed} values written anew.")
        if options["retire"]:
            self.say(f"Retired: {', '.join(done.retired) or 'none'}.")
        self.answer({"key": done.key_id, "resealed": done.resealed, "retired": list(done.retired)})
