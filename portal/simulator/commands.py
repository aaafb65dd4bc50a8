"""The 30 commands by name. A handler gets the caller and the fields, and returns the result."""

from collections.abc import Callable
from typing import Any

from . import door_commands, family_commands
from .caller import Caller
from .wire import Request

HANDLERS: dict[str, Callable[[Caller, Any], Any]] = {**family_commands.HANDLERS, **door_commands.HANDLERS}


def goes_by_rows(request: Request, batches: str) -> bool:
    """Whether what is wrong with one row of this command is that row's affair alone; ``batches`` is the setting."""
    return request.command in family_commands.BATCHES and batches != "together"


def execute(caller: Caller, request: Request) -> Any:
    """The result of a command; raises Refused when it changed nothing."""
    with caller.world.lock:
        return HANDLERS[request.command](caller, request.param)
