"""Answers of the upstream to a history's command, as bytes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

HISTORY_COMMAND = "get_akuvox_open_door_history"


def opening_rows(count: int, *, ends: datetime | None = None, family: int = 0) -> list[dict[str, Any]]:
    """So many openings as the wire has them, newest first, a minute and some seconds apart, up to ``ends``."""
    last = ends or datetime.now(UTC).replace(microsecond=0)
    rows = []
    for number in range(count):
        at = last - timedelta(seconds=97 * number)
        name = f"{family:06x}-{at:%Y%m%d%H%M%S}"
        rows.append(
            {
                "open_door_time": f"{at:%Y-%m-%d %H:%M:%S}",
                "account_name": f"Inês Núñez {number % 7}",
                "device_name": f"Door {number % 2}",
                "open_door_type": ("Face", "PIN", "Remote")[number % 3],
                "open_door": number % 40 != 0,
                "capture_picture_url": f"https://pictures.example/captures/{name}.jpg?signature=1",
                "capture_thumbnail_url": f"https://pictures.example/thumbnails/{name}.jpg?signature=1",
            }
        )
    return rows


def answer_body(count: int, *, ends: datetime | None = None, family: int = 0) -> bytes:
    """A successful answer with so many openings."""
    return envelope(opening_rows(count, ends=ends, family=family))


def envelope(result: Any) -> bytes:
    """A successful answer with this result."""
    now = round(datetime.now(UTC).timestamp() * 1000)
    return json.dumps(
        {"success": True, "timestamp": now, "result": result}, ensure_ascii=False, separators=(",", ":")
    ).encode()
