"""Asks whether the accounts of connections may use devices: one question for each family."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied

from access.macs import plain_mac
from access.models import Device
from access.selectors.credentials import name_of
from families.models import Family, Reach
from families.services.acting import NoConnection
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.models import State
from portal.audit.trail import About, By, Result
from portal.connections import outcomes
from portal.connections.line import LEAST_SECONDS, Line, NotPossible, open_line
from portal.upstream import errors
from portal.upstream.client import new_command_id
from portal.upstream.types import DevicePermission

CHECK_COMMAND = "check_akuvox_device_permission"
CHECK_EVENT = "device.check"
# One press asks for at most so much; the rest is left for another.
DEVICES_AT_ONCE, FAMILIES_AT_ONCE = 200, 25
# Beside the question of each family: a token that has to be renewed, and an answer that has to be asked for again.
CALLS_BESIDE = 2
# A family whose question is refused, or answered strangely, says nothing of the next one.
_PASSING = (errors.UpstreamRejected, errors.NotUnderstood)


class Gone(Exception):
    """The device or its family is not there any more: nothing was asked."""


class Left(Exception):
    """Too much was asked for at once, or the time was over: nothing was asked about this one."""


class Verdict(StrEnum):
    """What came of the question about one device."""

    MAY = "may"
    MAY_NOT = "may_not"
    NOT_TOLD = "not_told"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Row:
    """One device, and what came of the question; ``error`` is why there was no answer, where there was none."""

    device: Device
    verdict: Verdict
    error: Exception | None = None


@dataclass(frozen=True)
class Checked:
    """One family's devices, asked about with the account of a connection; "" where nobody could be asked.

    ``others``: how many rows of the answer were about devices that nobody had asked about; they were passed over.
    """

    family: Family
    account_name: str
    connection_name: str
    rows: Sequence[Row]
    others: int = 0

    @property
    def error(self) -> Exception | None:
        """Why nothing came, where nothing did."""
        return next((row.error for row in self.rows if row.error is not None), None)

    @property
    def was_asked(self) -> bool:
        return any(row.verdict != Verdict.NOT_ASKED for row in self.rows)


def check_devices(
    actor: User,
    devices: Sequence[Device],
    *,
    devices_at_once: int = DEVICES_AT_ONCE,
    families_at_once: int = FAMILIES_AT_ONCE,
) -> list[Checked]:
    """Ask whether the accounts that act in these devices' families may use them, on behalf of ``actor``, a manager.

    ``devices`` come with their families and were fetched through ``visible_to(actor)``. Each family is one question
    and one entry on the trail; nothing is changed and nothing is kept. Whatever happens, each device has a row: those
    beyond the limits, and those for which the time was over, as not asked. Raises PermissionDenied, and
    trail.AuditUnavailable, after which nothing may be shown. All of it ends within UPSTREAM_DEADLINE_SECONDS, the last
    entry aside. Cost: 1 upstream call for each family (check_akuvox_device_permission).
    """
    families = {device.family_id: device.family for device in devices}
    seen = Family.objects.visible_to(actor).filter(pk__in=families)
    if not actor.may_act or not actor.is_manager or seen.count() != len(families):
        raise PermissionDenied
    check = _Check(actor, families, devices)
    check.choose(devices, devices_at_once, families_at_once)
    return check.run()


class _Check:
    """One press. Families come back in the order in which their first device was named."""

    def __init__(self, actor: User, families: Mapping[int, Family], devices: Sequence[Device]) -> None:
        self.by = By.person(actor)
        self.families = families
        self.order = {device.pk: number for number, device in enumerate(devices)}
        self.ends = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS
        self.asked: dict[int, list[Device]] = {}
        self.rows: dict[int, list[Row]] = {pk: [] for pk in families}
        self.names: dict[int, tuple[str, str]] = {}
        self.others: dict[int, int] = {}

    def choose(self, devices: Sequence[Device], devices_at_once: int, families_at_once: int) -> None:
        """Which of them are asked about now."""
        for number, device in enumerate(devices):
            is_one_more = device.family_id not in self.asked and len(self.asked) >= families_at_once
            if device.gone_at is not None or device.family.gone_at is not None:
                self._leave([device], Gone())
            elif number >= devices_at_once or is_one_more:
                self._leave([device], Left())
            else:
                self.asked.setdefault(device.family_id, []).append(device)

    def run(self) -> list[Checked]:
        by_connection: dict[UUID, list[Reach]] = {}
        reaches = Reach.objects.for_acting().filter(family__in=self.asked)
        for reach in reaches.select_related("connection", "family"):
            # The first of each family is the one that acts in it.
            if reach.family_id not in self.names:
                self.names[reach.family_id] = (name_of(reach), reach.connection.name)
                by_connection.setdefault(reach.connection_id, []).append(reach)
        for pk in self.asked.keys() - self.names.keys():
            self._leave(self.asked[pk], NoConnection())
        for some in by_connection.values():
            self._ask_through(some)
        for rows in self.rows.values():
            rows.sort(key=lambda row: self.order[row.device.pk])
        return [
            Checked(family, *self.names.get(pk, ("", "")), self.rows[pk], self.others.get(pk, 0))
            for pk, family in self.families.items()
        ]

    def _leave(self, devices: Sequence[Device], error: Exception) -> None:
        for device in devices:
            self.rows[device.family_id].append(Row(device, Verdict.NOT_ASKED, error))

    def _ask_through(self, reaches: Sequence[Reach]) -> None:
        """Ask about the families of one connection, one after the other, until one has no answer."""
        waiting = list(reaches)
        try:
            with open_line(reaches[0].connection, len(reaches) + CALLS_BESIDE, self.ends) as line:
                while waiting and self.ends - time.monotonic() >= LEAST_SECONDS:
                    trouble = self._ask(line, waiting.pop(0))
                    if trouble is not None and not isinstance(trouble, _PASSING):
                        self._leave_rest(waiting, trouble)
                        return
        except NotPossible as refusal:
            error = errors.NotSent(refusal.words, command=CHECK_COMMAND, words=refusal.words)
            self._record(waiting[0], Result(State.NOT_SENT, refusal.error, refusal.words))
            self._leave_rest(waiting, error)
            return
        self._leave_rest(waiting, Left())

    def _leave_rest(self, reaches: Sequence[Reach], error: Exception) -> None:
        for reach in reaches:
            self._leave(self.asked[reach.family_id], error)

    def _ask(self, line: Line, reach: Reach) -> errors.UpstreamError | None:
        """Ask about one family's devices; why there was no answer, if there was none."""
        devices = self.asked[reach.family_id]
        command_id, began = new_command_id(), time.monotonic()
        error: errors.UpstreamError | None = None
        told: list[DevicePermission] = []
        try:
            answer = line.client().check_akuvox_device_permission(
                residence_id=reach.family.residence_id,
                devices=[{"mac": device.mac} for device in devices],
                command_id=command_id,
            )
            told = answer.result
            result = Result(State.SUCCEEDED, status=answer.status)
        except errors.UpstreamError as caught:
            error = caught
            result = outcomes.result_of(caught)
        outcomes.learn(line.connection, error, about=str(reach.family_id))
        if error is None:
            self._compare(devices, told)
        else:
            self._leave(devices, error)
        self._record(reach, result, command_id, round((time.monotonic() - began) * 1000))
        return error

    def _compare(self, devices: Sequence[Device], told: Sequence[DevicePermission]) -> None:
        """Give each device what was said of its MAC, however written; what is told both ways is not told."""
        said: dict[str, set[bool]] = {}
        for row in told:
            said.setdefault(plain_mac(row.mac), set()).add(row.permission)
        family_id = devices[0].family_id
        for device in devices:
            match said.get(plain_mac(device.mac), set()):
                case found if found == {True}:
                    verdict = Verdict.MAY
                case found if found == {False}:
                    verdict = Verdict.MAY_NOT
                case _:
                    verdict = Verdict.NOT_TOLD
            self.rows[family_id].append(Row(device, verdict))
        self.others[family_id] = len(said.keys() - {plain_mac(device.mac) for device in devices})

    def _record(self, reach: Reach, result: Result, command_id: str = "", duration_ms: int = 0) -> None:
        devices, family = self.asked[reach.family_id], reach.family
        account, connection = self.names[family.pk]
        verdicts = [row.verdict for row in self.rows[family.pk]]
        about = About(family.pk, family.name, "family", family.public_id, family.name)
        if len(devices) == 1:
            about = About(family.pk, family.name, "device", devices[0].public_id, devices[0].name)
        trail.record_first(
            CHECK_EVENT,
            self.by,
            about,
            parameters={
                "connection": connection,
                "account": account,
                "devices": [device.name for device in devices],
                **{str(one): verdicts.count(one) for one in Verdict if one in verdicts},
            },
            outcome=result.state,
            command_id=command_id,
            words=result.words,
            status=result.status,
            duration_ms=duration_ms,
        )
