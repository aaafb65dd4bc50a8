"""The stand-in for the upstream as a fixture: one process for each test worker, the first day for each test."""

import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


class SimulatorProcess:
    """A simulator of one's own, and its control endpoints as methods.

    The estate is the default one (40 families) until ``reset`` asks for another. ``url`` is the base address that
    a connection would have, ``token`` the pasted token of the organisation's account.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.state = folder / "simulator.json"
        self.options = options
        self.port = 0
        self.process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        """The host with its port, as an allowed host of pictures is written."""
        return f"127.0.0.1:{self.port}"

    @property
    def sign_in(self) -> dict[str, str]:
        """token, username, password, client_id, client_secret, account_id of the organisation's account."""
        return self.sign_in_of()

    @property
    def token(self) -> str:
        return self.sign_in["token"]

    def sign_in_of(self, username: str | None = None) -> dict[str, str]:
        """How another account signs in, by its e-mail address."""
        return self.ask("GET", "sign-in", **({"username": username} if username else {}))

    def another_token(self, turn: int = 1) -> str:
        """A pasted token that is good again after ``expire_tokens``."""
        return self.ask("GET", "sign-in", turn=str(turn))["token"]

    def estate(self) -> dict[str, Any]:
        """families, each with residence_id, family_name, property, auth, members, devices with relays; and
        properties, organisation, newcomer (an account without a family), joinable (a family to join)."""
        return self.ask("GET", "estate")

    def family(self, **wanted: Any) -> dict[str, Any]:
        """The first family whose fields have these values: ``family(auth="admin")``."""
        return next(
            each for each in self.estate()["families"] if all(each[k] == v for k, v in wanted.items())
        )

    def door(self, **wanted: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """A family with a device and relay in it that opens a door; ``wanted`` is said of the device."""
        for family in self.estate()["families"]:
            for device in family["devices"]:
                if device["relays"] and all(device[k] == v for k, v in ({"online": True} | wanted).items()):
                    return family, device, device["relays"][0]
        raise LookupError(wanted)

    def canaries(self) -> list[str]:
        """Every secret the simulator knows."""
        return [each["value"] for each in self.ask("GET", "canaries")]

    def journal(self, command: str | None = None, **wanted: str) -> list[dict[str, Any]]:
        """What arrived, oldest first: command, id, param, residence_id, authorized, executed, status, refused."""
        return self.ask("GET", "journal", **({"command": command} if command else {}), **wanted)

    def clear_journal(self) -> None:
        self.ask("DELETE", "journal")

    def fault(self, command: str, kind: str, **options: Any) -> dict[str, Any]:
        """``fault("*", "latency", seconds=1, times=2)``; the kinds and options stand in the simulator's faults."""
        return self.tell("faults", command=command, kind=kind, **options)

    def clear_faults(self, residence_id: str = "") -> None:
        """All of them, or those that were meant for one family alone."""
        self.ask("DELETE", "faults", **({"residence_id": residence_id} if residence_id else {}))

    def opening(self, **details: Any) -> dict[str, Any]:
        """A row of the log: residence_id, at, open_door, account_name, late_seconds, picture_after_seconds…"""
        return self.tell("events", kind="opening", **details)

    def call(self, **details: Any) -> dict[str, Any]:
        return self.tell("events", kind="call", **details)

    def device(self, mac: str, **details: Any) -> dict[str, Any]:
        return self.tell("events", kind="device", mac=mac, **details)

    def event(self, kind: str, **details: Any) -> dict[str, Any]:
        """Also family, member and rename."""
        return self.tell("events", kind=kind, **details)

    def expire_tokens(self, *, refresh_too: bool = False) -> None:
        self.tell("tokens", expire=True, refresh=refresh_too)

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock on."""
        self.tell("clock", advance_seconds=seconds)

    def reset(self, **settings: Any) -> None:
        """The first day again: families, seed, window, now, history_zone, open_row_seconds, batches."""
        self.tell("reset", **settings)

    def start(self) -> None:
        """Start at the port of before, with the state of before."""
        if self.process is not None:
            return
        words = [sys.executable, "-m", "portal.simulator", "--port", str(self.port), "--quiet"]
        words += ["--until-stdin-closes", "--state", str(self.state), *self.options]
        self.process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://"), line or "the simulator did not start"
        self.port = int(line.rsplit(":", 1)[1])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Switch the upstream off; its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        with self.process as process:
            self.process = None
            return process.wait(timeout=10)

    def tell(self, endpoint: str, **fields: Any) -> Any:
        return self._exchange("POST", endpoint, json.dumps(fields))

    def ask(self, method: str, endpoint: str, **query: str) -> Any:
        return self._exchange(method, endpoint + ("?" + urlencode(query) if query else ""), None)

    def _exchange(self, method: str, endpoint: str, body: str | None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, f"/_simulator/{endpoint}", body)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, f"{method} {endpoint}: {answer.status} {told.decode()}"
        return json.loads(told)


@pytest.fixture(scope="session")
def simulator_process(tmp_path_factory: pytest.TempPathFactory):
    process = SimulatorProcess(tmp_path_factory.mktemp("simulator"))
    yield process
    process.stop()


@pytest.fixture
def simulator(simulator_process: SimulatorProcess) -> SimulatorProcess:
    """The stand-in on its first day, with an empty journal and no faults."""
    simulator_process.start()
    simulator_process.reset()
    return simulator_process
