"""What the typed methods of the client stand on."""

from typing import Any, Protocol, TypedDict

from portal.upstream.answers import Answer


class Options(TypedDict, total=False):
    """What every typed method takes beside the command's own parameters.

    ``once`` sends exactly once and renews no token: the first answer is the outcome.
    """

    command_id: str | None
    deadline_seconds: float | None
    once: bool


class Caller(Protocol):
    """Something that sends a command by its name."""

    def call(
        self,
        command: str,
        param: dict[str, Any],
        *,
        command_id: str | None = None,
        deadline_seconds: float | None = None,
        once: bool = False,
    ) -> Answer[Any]:
        """Send a command and return its answer."""
        ...
