"""manage.py upstream: sends one command of the reference, as the operator."""

import json
import secrets
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from families.models import Family
from portal.audit.models import State
from portal.audit.trail import About, AuditUnavailable, By, OutcomeNotRecorded
from portal.connections import calling
from portal.connections.calling import Action
from portal.connections.models import Connection
from portal.console import LONGEST_INPUT, ConsoleCommand, Stop, read_input
from portal.upstream import errors
from portal.upstream.client import Answer, Client
from portal.upstream.commands import COMMANDS, Param, Shape, check, convert, find_command
from portal.upstream.commands import Command as Spec

REFUSED, UNKNOWN, NOT_SENT = 1, 3, 4
# Reads whose answer holds a secret: on the trail before they are sent.
REVEALING = {
    "get_family_remote_connect",
    "get_akuvox_device_list",
    "get_akuvox_open_door_private_key_config",
    "get_akuvox_open_door_nfc_config",
    "get_akuvox_open_door_ble_config",
    "get_akuvox_open_door_temp_key_config",
}
EXIT_CODES = {State.SUCCEEDED: 0, State.REFUSED: REFUSED, State.UNKNOWN: UNKNOWN, State.NOT_SENT: NOT_SENT}


class Command(ConsoleCommand):
    help = (
        "Sends one command to the upstream, once, and prints its result as JSON. Exits with 0 when it was done, "
        "1 when it was refused (the upstream's words on standard error), 3 when the outcome is unknown: look "
        "before sending it again, and 4 when nothing was sent."
    )
    unforeseen_code = usage_code = NOT_SENT

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        # Fields may stand on both sides of the options.
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("upstream_command", nargs="?", metavar="COMMAND", help="one of --list")
        parser.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help="the command's parameters")
        parser.add_argument("--param", help="the parameters as one JSON object, or - for standard input")
        parser.add_argument("--connection", metavar="NAME", help="the connection to send it through")
        parser.add_argument("--list", action="store_true", help="shows the commands and their parameters")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        if not options["upstream_command"]:
            raise Stop("needs a COMMAND and --connection NAME (--list shows the commands)", NOT_SENT)
        try:
            spec = find_command(options["upstream_command"])
            param = _param(spec, options["fields"], options["param"])
        except ValueError as error:
            raise Stop(f"Nothing was sent: {error}", NOT_SENT) from None
        there = Connection.objects.of_the_organisation().there()
        connection = there.filter(name=options["connection"]).first()
        if connection is None and not options["connection"]:
            raise Stop("needs --connection NAME: the connection to send it through", NOT_SENT)
        if connection is None:
            names = ", ".join(there.order_by("name").values_list("name", flat=True)[:10])
            raise Stop(f"there is no connection {options['connection']!r} ({names or 'none yet'})", NOT_SENT)
        try:
            answer = self._write(connection, spec, param) if spec.is_write else _read(connection, spec, param)
        except AuditUnavailable as error:
            raise Stop(f"Nothing was sent: the audit trail is not available ({error}).", NOT_SENT) from error
        except OutcomeNotRecorded as error:
            # What was done is known here and now, though the trail will say unknown.
            raise Stop(
                f"Sent, with the outcome {error.result.state.label}: it could not be written to the audit trail. "
                "Look before sending it again.",
                UNKNOWN,
            ) from error
        except errors.UpstreamError as error:
            raise _stop(spec, error) from error
        self._show(answer)

    def _write(self, connection: Connection, spec: Spec, param: dict[str, Any]) -> Answer[Any]:
        def send(client: Client, command_id: str) -> Answer[Any]:
            return client.call(spec.name, param, command_id=command_id, once=True)

        action = Action(
            spec.name,
            "upstream.write",
            _about(param),
            press=f"operator-{secrets.token_urlsafe(16)}",
            parameters={"command": spec.name, **redacted(spec.params, param)},
        )
        performed = calling.perform(By.operator(), connection, action, send)
        command = performed.command
        if performed.answer is None:
            state = State(command.state)
            words = {
                State.UNKNOWN: "The outcome is unknown: it may have been done. Look before sending it again.",
                State.NOT_SENT: "Not sent.",
            }.get(state, "Refused.")
            said = " ".join(part for part in (words, command.words) if part)
            raise Stop(f"{spec.name}: {said}", EXIT_CODES.get(state, UNKNOWN))
        return performed.answer

    def _show(self, answer: Answer[Any]) -> None:
        try:
            result = json.loads(answer.raw or b"null")
        except (ValueError, RecursionError):
            result = None
        self.stdout.write(json.dumps(result, ensure_ascii=False, indent=None if self.is_json else 2))

    def _list(self) -> None:
        self.answer(
            {
                name: {
                    "writes": spec.is_write,
                    "parameters": {
                        field: {"type": str(param.type.value), "required": param.required}
                        for field, param in spec.params.items()
                    },
                }
                for name, spec in COMMANDS.items()
            }
        )
        for name, spec in COMMANDS.items():
            words = " ".join(_field_in_words(field, param) for field, param in spec.params.items())
            self.say(f"{'write' if spec.is_write else 'read ':5} {name} {words}".rstrip())


def redacted(params: Mapping[str, Param], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as the trail may keep them: a secret is said to have been there, and no more."""
    return {name: "●●●●" if params[name].secret else value for name, value in given.items()}


def _read(connection: Connection, spec: Spec, param: dict[str, Any]) -> Answer[Any]:
    action = Action(
        spec.name,
        "upstream.reveal" if spec.name in REVEALING else "upstream.read",
        _about(param),
        parameters={"command": spec.name, **redacted(spec.params, param)},
    )
    return calling.read(
        By.operator(),
        connection,
        action,
        lambda client, command_id: client.call(spec.name, param, command_id=command_id, once=True),
        reveals=spec.name in REVEALING,
    )


def _param(spec: Spec, fields: list[str], text: str | None) -> dict[str, Any]:
    if text is None:
        typed: dict[str, str] = {}
        for word in fields:
            name, equals, value = word.partition("=")
            if not equals:
                raise ValueError(f"{word[:40]!r} is not FIELD=VALUE")
            if name in typed:
                raise ValueError(f"{name} is given twice")
            typed[name] = value
        return convert(spec.name, typed)
    if fields:
        raise ValueError("give either FIELD=VALUE or --param")
    try:
        param = json.loads(read_input(LONGEST_INPUT * 10, "one JSON object") if text == "-" else text)
    except (ValueError, RecursionError):
        raise ValueError("--param is not JSON") from None
    if not isinstance(param, dict):
        raise ValueError("--param is not a JSON object")
    return check(spec.name, param)


def _about(param: Mapping[str, Any]) -> About:
    """The family where it is known; it works before any sync too, with the id as it was given."""
    residence_id = str(param.get("residence_id", ""))
    family = Family.objects.filter(residence_id=residence_id).first() if residence_id else None
    if family is None:
        return About(kind="residence", id=residence_id)
    return About(family.pk, family.name, "residence", residence_id, family.name)


def _stop(spec: Spec, error: errors.UpstreamError) -> Stop:
    if isinstance(error, errors.NotSent) or (
        isinstance(error, errors.UpstreamUnavailable | errors.UpstreamBusy) and not _left(error)
    ):
        return Stop(f"{spec.name}: Not sent. {error.words or error.reason}", NOT_SENT)
    if isinstance(error, errors.UpstreamUnavailable | errors.NotUnderstood):
        return Stop(f"{spec.name}: No answer that can be read: {error.reason}", UNKNOWN)
    status = f" (HTTP {error.status})" if error.status else ""
    return Stop(f"{spec.name}: Refused. {error.words or error.reason}{status}", REFUSED)


def _left(error: errors.UpstreamUnavailable | errors.UpstreamBusy) -> bool:
    return error.sent if isinstance(error, errors.UpstreamUnavailable) else error.status is not None


def _field_in_words(field: str, param: Param) -> str:
    words = field if param.type is Shape.TEXT else f"{field}:{param.type.value}"
    return words if param.required else f"[{words}]"
