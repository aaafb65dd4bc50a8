"""The state file: what has become of the estate outlives a restart."""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from .server import Simulator

EVERY_SECONDS = 10
JOURNAL_ROWS = 2_000


class Keeper:
    """Writes the state of a simulator to a file, whole or not at all, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()

    def load(self) -> dict[str, Any] | None:
        """What was saved last, or None where there is nothing or nothing that can be read."""
        try:
            saved = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            print(f"{self.path} cannot be read, so the estate begins anew: {error}", file=sys.stderr)
            return None
        if not isinstance(saved, dict) or "settings" not in saved:
            print(f"{self.path} holds no estate, so it begins anew", file=sys.stderr)
            return None
        return saved

    def save(self, simulator: Simulator) -> None:
        with self.lock:
            told = {**simulator.world.dump(), "journal": simulator.journal.find()[-JOURNAL_ROWS:]}
            beside = self.path.with_name(self.path.name + ".new")
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass") as file:
                json.dump(told, file, ensure_ascii=True)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)

    def keep(self, simulator: Simulator, stop: threading.Event) -> None:
        """Save every ten seconds until told to stop."""
        while not stop.wait(EVERY_SECONDS):
            try:
                self.save(simulator)
            except OSError as error:
                print(f"the state could not be saved: {error}", file=sys.stderr)
