"""The token endpoint, and the page on which somebody agrees before the browser is sent back with a code."""

import re
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from .tokens import LASTS_SECONDS, LONGEST_SECONDS
from .wire import AUTHORIZE_PATH, Refused
from .world import World

CLIENT = {"client_id", "client_secret"}
GRANTS = {
    "password": {"username", "password", "scope", "expires_in?", *CLIENT},
    "authorization_code": {"code", "redirect_uri", *CLIENT},
    "refresh_token": {"refresh_token", *CLIENT},
}

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>The stand-in for the upstream</h1>
<p>{client} asks to act for this account, and sends you back to {back}.</p>
<form method="post" action="{action}">
<p><label>Account <input name="account" type="email" value="{account}" required></label></p>
<p><button name="answer" value="allow">Allow</button> <button name="answer" value="deny">Deny</button></p>
</form></body></html>
"""


def read_form(headers: Any, body: bytes) -> dict[str, str]:
    """The fields of a form-encoded body; raises Refused."""
    told = headers.get_all("Content-Type") or []
    if [each.partition(";")[0].strip() for each in told] != ["application/x-www-form-urlencoded"]:
        raise Refused("invalid_header", "Content-Type must be application/x-www-form-urlencoded", 415)
    return _fields(body.decode("utf-8", "replace"))


def give_tokens(world: World, form: dict[str, str]) -> dict[str, Any]:
    """A new pair for one of the three grants; raises Refused."""
    grant = form.get("grant_type", "")
    if grant not in GRANTS:
        raise Refused("unsupported_grant_type", "grant_type is none that is known")
    _same_fields({name: value for name, value in form.items() if name != "grant_type"}, GRANTS[grant])
    tokens, now = world.tokens, world.now()
    if form["client_id"] != tokens.client_id or form["client_secret"] != tokens.client_secret:
        raise Refused("invalid_client", "The client is not known", 401)
    if grant == "password":
        person = world.person_by_email(form["username"])
        if person is None or person.password != form["password"]:
            raise Refused("invalid_grant", "The user name or the password is wrong")
        if form["scope"] != "user":
            raise Refused("invalid_scope", "scope must be user")
        return tokens.issue(person.account_id, now, _lasting(form.get("expires_in")))
    if grant == "authorization_code":
        granted = tokens.spend_code(form["code"], now, form["redirect_uri"])
        if granted is None:
            raise Refused("invalid_grant", "The code is not valid")
        return tokens.issue(granted.account_id, now)
    granted = tokens.spend_refresh(form["refresh_token"])
    if granted is None:
        raise Refused("invalid_grant", "The refresh token is not valid")
    return tokens.issue(granted.account_id, now, granted.expires_in)


def ask(world: World, query: str) -> str:
    """The page on which somebody agrees or does not, as HTML; raises Refused for an address that is not right.

    Design decision: no password is asked for. Whose account it is, the organisation's unless another is typed, is
    trusted: the page stands in for a sign-in that is the upstream's own affair.
    """
    found = _read_query(world, query)
    person = world.estate.people[world.estate.organisation]
    back = urlsplit(found["redirect_uri"])
    return PAGE.format(
        action=escape(f"{AUTHORIZE_PATH}?{query}"),
        client=escape(found["client_id"]),
        account=escape(person.email),
        back=escape(f"{back.scheme}://{back.netloc}"),
    )


def send_back(world: World, query: str, form: dict[str, str], *, says_no: bool = False) -> str:
    """The address that the browser is sent to, with code and state; raises Refused.

    ``form`` is what the page sent: account (an e-mail address), and answer: allow or deny.
    """
    found = _read_query(world, query)
    _same_fields(form, {"account", "answer"})
    person = world.person_by_email(form["account"])
    if person is None or form["answer"] not in ("allow", "deny"):
        raise Refused("invalid_request", "There is no such account, or no such answer")
    if says_no or form["answer"] == "deny":
        told = {"error": "access_denied", "state": found["state"]}
    else:
        code = world.tokens.issue_code(person.account_id, world.now(), found["redirect_uri"])
        told = {"state": found["state"], "code": code}
    has_query = urlsplit(found["redirect_uri"]).query
    return found["redirect_uri"] + ("&" if has_query else "?") + urlencode(told)


def _read_query(world: World, query: str) -> dict[str, str]:
    found = _fields(query)
    _same_fields(found, {"scope", "state", "response_type", "client_id", "redirect_uri"})
    if found["client_id"] != world.tokens.client_id:
        raise Refused("invalid_client", "The client is not known", 401)
    if found["response_type"] != "code" or found["scope"] != "user":
        raise Refused("invalid_request", "response_type must be code, and scope user")
    address = urlsplit(found["redirect_uri"])
    if address.scheme not in ("http", "https") or not address.netloc or address.fragment:
        raise Refused("invalid_request", "redirect_uri must be an absolute address")
    return found


def _fields(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("invalid_request", "A field stands twice")
    return found


def _same_fields(found: dict[str, str], allowed: set[str]) -> None:
    needed = {name for name in allowed if not name.endswith("?")}
    unknown = sorted(set(found) - {name.removesuffix("?") for name in allowed})
    if unknown:
        raise Refused("unknown_field", f"There is a field that is not in the reference: {unknown[0]}")
    missing = sorted(name for name in needed if not found.get(name))
    if missing:
        raise Refused("missing_field", f"{missing[0]} is missing or empty")


def _lasting(text: str | None) -> int:
    if text is None:
        return LASTS_SECONDS
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= LONGEST_SECONDS:
        raise Refused("invalid_request", f"expires_in must be from 1 to {LONGEST_SECONDS} seconds")
    return int(text)
