"""Answers as they go over the wire, the several shapes of a refusal among them."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from .derive import pick
from .wire import Refused

SHAPES = 6


@dataclass
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def success(result: Any, now: float) -> Answer:
    return Answer(200, _json({"success": True, "timestamp": int(now * 1000), "result": result}))


def refusal(error: Refused, now: float, *, seed: str, command: str, shape: int | None = None) -> Answer:
    """One of six bodies, since the reference refers to an example of failure that it does not show.

    Assumption: any of these may come. Each command keeps to one of them. To check: have each command refused by
    the real upstream, and keep what it says. A status that is about HTTP itself (401, 405, 406, 411, 415, 429) is
    told as such in all of them; the others become a 200 in some.
    """
    if shape is None:
        shape = pick(seed, "refusal", command, count=SHAPES)
    keeps_status = error.status not in (400, 403, 404, 409)
    number = 40_000 + pick("code", error.code, count=999)
    told: dict[str, Any] = {"success": False, "timestamp": int(now * 1000)}
    status = 200
    if shape == 0:
        told["error"] = {"code": error.code, "message": error.words}
    elif shape == 1:
        told |= {"error_code": error.code, "message": error.words}
        status = error.status
    elif shape == 2:
        told["result"] = {"code": number, "msg": error.words}
    elif shape == 3:
        told["error"] = error.words
        status = error.status
    elif shape == 4:
        told |= {"code": number, "msg": error.words, "result": None}
    else:
        return page(error.status, error.words)
    return Answer(error.status if keeps_status else status, _json(told))


def page(status: int, words: str) -> Answer:
    """HTML, as proxies and load balancers write it."""
    try:
        name = HTTPStatus(status).phrase
    except ValueError:
        name = "Trouble"
    text = words.replace("&", "&amp;").replace("<", "&lt;")
    html = (
        f"<html><head><title>{status} {name}</title></head><body><h1>{name}</h1><p>{text}</p></body></html>"
    )
    return Answer(status, html.encode("utf-8", "replace"), "text/html; charset=utf-8")


def plain(found: Any) -> Answer:
    """An answer of the control endpoints."""
    return Answer(200, _json(found))


def _json(found: Any) -> bytes:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
