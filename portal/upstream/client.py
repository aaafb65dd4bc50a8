"""The upstream's 30 commands, as methods of one client."""

import secrets
from collections.abc import Callable
from typing import Any

from portal.upstream import sending
from portal.upstream.answers import Answer
from portal.upstream.commands import check, find_command
from portal.upstream.doors import DoorCommands
from portal.upstream.errors import SignInLost
from portal.upstream.families import FamilyCommands
from portal.upstream.sending import Tokens
from portal.upstream.transport import Deadline

__all__ = ["Answer", "Client", "StaticToken", "Tokens", "new_command_id"]

COMMANDS_PATH = "/api/v1.0/invoke/open-ability/method/user-commands"


class Client(FamilyCommands, DoorCommands):
    """The upstream as one account sees it.

    Cheap to make and safe to share among threads: connections belong to the process. Each method is
    named exactly as its command and takes the command's parameters by their names on the wire.
    ``on_request`` is called with the command's name right before each HTTP request, retries too; it
    may raise UpstreamBusy to hold it back.
    """

    def __init__(
        self,
        base_url: str,
        tokens: Tokens,
        *,
        deadline_seconds: float = 8.0,
        on_request: Callable[[str], None] | None = None,
    ) -> None:
        self._url = base_url.rstrip("/") + COMMANDS_PATH
        self._tokens = tokens
        self._deadline_seconds = deadline_seconds
        self._on_request = on_request

    def call(
        self,
        command: str,
        param: dict[str, Any],
        *,
        command_id: str | None = None,
        deadline_seconds: float | None = None,
        once: bool = False,
    ) -> Answer[Any]:
        """Send a command by its name and return its answer; None for an optional field leaves it out.

        Takes at most ``deadline_seconds`` from the name's resolution to the last byte, retries
        included. Costs one upstream call, and up to five more where the command's kind allows;
        with ``once`` exactly one, and no token is renewed. Raises an UpstreamError, or ValueError
        before anything is sent where the command or its parameters are not the reference's.
        """
        deadline = Deadline(self._deadline_seconds if deadline_seconds is None else deadline_seconds)
        spec = find_command(command)
        command_id = command_id or new_command_id()
        envelope, status = sending.send(
            spec,
            check(command, param),
            url=self._url,
            tokens=self._tokens,
            command_id=command_id,
            deadline=deadline,
            on_request=self._on_request,
            once=once,
        )
        return Answer(spec, command_id, envelope, status)


class StaticToken:
    """A pasted access token, which nothing can renew."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        """The token."""
        return self._token

    def renew(self, refused: str) -> str:
        """Raises SignInLost: somebody has to paste another."""
        raise SignInLost("the access token is refused, and a pasted one cannot be renewed")


def new_command_id() -> str:
    """A fresh command id as in the reference's examples: "c" and 32 hexadecimal digits."""
    return "c" + secrets.token_hex(16)
