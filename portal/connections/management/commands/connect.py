"""manage.py connect: adds an upstream account that the portal speaks through, or renews its sign-in."""

import re
import zoneinfo
from argparse import ArgumentParser
from typing import Any

from portal.audit.trail import AuditUnavailable, By
from portal.connections import addresses, joining, services
from portal.connections.failing import in_words
from portal.connections.joining import (
    ConnectionGone,
    Credentials,
    NameTaken,
    PasswordGrant,
    PastedToken,
    Wanted,
)
from portal.connections.models import Connection
from portal.console import ConsoleCommand, Stop, read_lines
from portal.upstream.errors import UpstreamError
from portal.upstream.text import clean


class Command(ConsoleCommand):
    help = (
        "Adds a connection: an account at the upstream that the portal speaks through. It is tried first, and "
        "kept only when it works. The same name again renews it. Standard input holds the token, or the "
        "password and then the client secret, a line each."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what people call the connection")
        parser.add_argument("--url", required=True, help="the upstream's address: https://host")
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--token-stdin", action="store_true", help="sign in by an access token")
        how.add_argument("--password-stdin", action="store_true", help="sign in by user name and password")
        parser.add_argument("--username", default="", help="the account's user name, with --password-stdin")
        parser.add_argument("--client-id", default="", help="the client id, with --password-stdin")
        parser.add_argument(
            "--history-zone", help="the time zone that this account's log is written in (UTC at first)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = _name(options["name"])
        zone = options["history_zone"]
        if zone:
            _check_zone(zone)
        try:
            url = addresses.normalised(options["url"])
            addresses.check_reach(url)
        except ValueError as error:
            raise Stop(f"{_shown(options['url'])}: {error}") from None
        # Among the organisation's: what people call their own is theirs.
        renews = Connection.objects.of_the_organisation().there().filter(name=name).first()
        wanted = Wanted(name, url, _credentials(options), renews=renews, history_zone=zone or "")
        try:
            proven = joining.prove(By.operator(), wanted)
        except AuditUnavailable as error:
            raise Stop(f"Nothing was tried: the audit trail is not available ({error}).") from error
        except UpstreamError as error:
            raise Stop(f"Nothing was stored. Tried {in_words(url, error)}.") from error
        try:
            connected = services.connect(By.operator(), proven)
        except (NameTaken, ConnectionGone):
            raise Stop("Nothing was stored: the connection was added or removed meanwhile") from None
        connection = connected.connection
        if connected.moved:
            self.say(f"{connected.moved} rows of its history are now told in {connection.history_zone}.")
        done = "added" if connected.is_new else "renewed"
        self.say(
            f"Connection “{connection.name}” {done}: {connection.base_url}, families: {proven.families}."
        )
        if connection.paused_at:
            self.say("It is still paused.")
        self.answer(
            {
                "connection": connection.name,
                "id": connection.public_id,
                "url": connection.base_url,
                "families": proven.families,
                "history_zone": connection.history_zone,
                "done": done,
            }
        )


def _name(text: str) -> str:
    name = clean(text).strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise Stop("the name must be 1 to 100 characters in one line")
    return name


def _check_zone(zone: str) -> None:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise Stop(f"there is no time zone {zone!r}; they are named like Europe/Lisbon") from None


def _credentials(options: dict[str, Any]) -> Credentials:
    if options["token_stdin"]:
        if options["username"] or options["client_id"]:
            raise Stop("--username and --client-id go with --password-stdin")
        try:
            return PastedToken(joining.checked_token(read_lines("token")[0]))
        except ValueError as error:
            raise Stop(f"standard input holds no token: {error}") from None
    if not options["username"] or not options["client_id"]:
        raise Stop("--password-stdin needs --username and --client-id")
    password, secret = read_lines("password", "client secret")
    return PasswordGrant(
        options["username"].strip(), password.strip(), options["client_id"].strip(), secret.strip()
    )


def _shown(url: str) -> str:
    """The address up to its host, in one line: whatever else stands in it may be a secret."""
    text = " ".join(clean(url).split())
    scheme, separator, rest = text.partition("://")
    host = re.split(r"[/?#]", (rest if separator else text).rpartition("@")[2], maxsplit=1)[0]
    return f"{scheme[:10]}{separator}{host[:100]}" if separator else host[:100]
