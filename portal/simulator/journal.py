"""What arrived, what became of it, and why it was refused: the tests' witness."""

import threading
from typing import Any

LONGEST = 20_000


class Journal:
    """Numbered rows, oldest first. A row is written when its request has arrived and completed as it goes on."""

    def __init__(self, rows: list[dict[str, Any]] | None = None) -> None:
        self.lock = threading.Lock()
        self.rows = list(rows or ())
        self.last = self.rows[-1]["n"] if self.rows else 0

    def open(self, **fields: Any) -> dict[str, Any]:
        """A new row; the caller completes it with ``note``."""
        with self.lock:
            self.last += 1
            row = {
                "n": self.last,
                "at": 0.0,
                "method": "",
                "path": "",
                "command": "",
                "id": "",
                "param": None,
                "residence_id": "",
                "account_id": "",
                "authorized": False,
                "executed": False,
                "status": None,
                "refused": "",
                "fault": "",
                "cookie": False,
                **fields,
            }
            self.rows.append(row)
            if len(self.rows) > LONGEST:
                del self.rows[: LONGEST // 10]
            return row

    def note(self, row: dict[str, Any], **fields: Any) -> None:
        with self.lock:
            row.update(fields)

    def find(self, **wanted: str) -> list[dict[str, Any]]:
        """Copies of the rows whose fields have these values."""
        with self.lock:
            return [dict(row) for row in self.rows if all(str(row[k]) == v for k, v in wanted.items())]

    def clear(self) -> None:
        with self.lock:
            self.rows.clear()
