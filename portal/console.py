"""What the management commands share: one clear line when something is wrong, and nothing but JSON with --json."""

import getpass
import json
import os
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from portal.keys import KeyMissing

# More than any token, password or list of parameters; what is longer is a mistake.
LONGEST_INPUT = 8_000
_INTERRUPTED = 130


class Stop(CommandError):
    """Ends a command with one line on standard error and an exit code."""

    def __init__(self, line: str, code: int = 1) -> None:
        super().__init__(" ".join(line.split()), returncode=code)


class ConsoleCommand(BaseCommand):
    """A management command that never shows a traceback for trouble that can be foreseen.

    Subclasses call ``say`` for words to people and ``answer`` for the result, which alone stands on standard
    output with ``--json``; they raise Stop. ``unforeseen_code`` is the exit code when the database or a key
    file cannot be used, ``usage_code`` that of words that fit no option.
    """

    # The checks load every page of the portal; a command must also work where one of them does not.
    requires_system_checks: list[str] = []
    unforeseen_code = 1
    usage_code = 2
    is_json = is_quiet = False
    _called_from_command_line = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help="print the result as JSON and nothing else")
        if self._called_from_command_line:
            # Without the usage above it: one line says what is wrong, and --help says the rest.
            parser.error = lambda message: _refuse(parser, message, self.usage_code)  # type: ignore[method-assign]
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            self.is_json = bool(options.get("json"))
            self.is_quiet = self.is_json or options.get("verbosity") == 0
            return super().execute(*args, **options)
        except CommandError as error:
            stop = error
        except DatabaseError as error:
            stop = Stop(_about_database(error), self.unforeseen_code)
        except KeyMissing as error:
            stop = Stop(str(error), self.unforeseen_code)
        except KeyboardInterrupt:
            stop = Stop("interrupted", _INTERRUPTED)
        except BrokenPipeError:
            # Whoever read our output has gone; there is nobody to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            stop = Stop("the output was closed", 1)
        if not self._called_from_command_line or options.get("traceback"):
            raise stop
        self.stderr.write(str(stop))
        connections.close_all()
        sys.exit(stop.returncode)

    def say(self, text: str) -> None:
        """A line for people; silent with ``--json`` and ``--verbosity 0``."""
        if not self.is_quiet:
            self.stdout.write(text)

    def answer(self, data: dict[str, Any]) -> None:
        """The result as JSON, where it was asked for."""
        if self.is_json:
            self.stdout.write(json.dumps(data, ensure_ascii=False, sort_keys=True))


def read_lines(*wanted: str) -> list[str]:
    """One line of standard input for each thing wanted, in their order, without the ends of the lines.

    On a terminal it asks for them, unseen. Raises Stop naming what is missing, empty or longer than LONGEST_INPUT.
    """
    if sys.stdin.isatty():
        lines = [getpass.getpass(f"{what}: ") for what in wanted]
    else:
        lines = read_input(len(wanted) * LONGEST_INPUT, " and ".join(wanted)).split("\n")
        lines = [line.rstrip("\r") for line in lines]
    if len(lines) > len(wanted) and any(line.strip() for line in lines[len(wanted) :]):
        raise Stop(f"standard input has more lines than {' and '.join(wanted)}")
    for place, what in enumerate(wanted):
        if place >= len(lines) or not lines[place].strip():
            raise Stop(f"standard input must hold the {what}, on line {place + 1}")
        if len(lines[place]) > LONGEST_INPUT:
            raise Stop(f"the {what} is longer than {LONGEST_INPUT} characters")
    return lines[: len(wanted)]


def read_input(longest: int, what: str) -> str:
    """All of standard input as text; raises Stop when it is longer than ``longest`` or not text."""
    try:
        text = sys.stdin.read(longest + 1)
    except UnicodeDecodeError:
        raise Stop(f"standard input is not text: {what} expected") from None
    if len(text) > longest:
        raise Stop(f"standard input is longer than {longest} characters: {what} expected")
    return text


def _refuse(parser: ArgumentParser, message: str, code: int) -> NoReturn:
    parser.exit(code, f"{parser.prog}: {message} (--help lists what there is)\n")


def _about_database(error: DatabaseError) -> str:
    words = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if any(sign in words for sign in ("no such table", "no such column", "does not exist")):
        return f"The database is not of this version: run manage.py migrate ({words})"
    return f"The database cannot be used: {words}"
