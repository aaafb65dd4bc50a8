"""How these tests talk to the simulator: by requests, and by bare sockets where requests would be too polite."""

import json
import socket
import uuid
from typing import Any

import pytest
import requests

from tests.plugins.simulator import SimulatorProcess

COMMANDS = "/api/v1.0/invoke/open-ability/method/user-commands"


class Wire:
    """The organisation's account, or another's, on the wire as the reference describes it."""

    def __init__(self, simulator: SimulatorProcess, token: str) -> None:
        self.simulator = simulator
        self.headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
        }

    def post(self, command: str, /, **param: Any) -> requests.Response:
        return self.send({"command": command, "id": "c" + uuid.uuid4().hex, "param": param})

    def send(self, body: Any, **options: Any) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"headers": self.headers, "timeout": 5, "allow_redirects": False, **options}
        return requests.post(self.simulator.url + COMMANDS, data=data, **given)

    def result(self, command: str, /, **param: Any) -> Any:
        answer = self.post(command, **param)
        told = answer.json()
        assert answer.status_code == 200
        assert told["success"] is True, told
        return told["result"]

    def refused(self, command: str, /, **param: Any) -> str:
        """Why the command was refused, as the journal has it; it was not executed."""
        answer = self.post(command, **param)
        assert answer.status_code >= 400 or answer.json()["success"] is False
        row = self.simulator.journal(command)[-1]
        assert row["executed"] is False
        return row["refused"].partition(":")[0]

    def raw(self, command: str, /, **param: Any) -> socket.socket:
        """A socket on which the command has been sent and nothing been read."""
        body = json.dumps({"command": command, "id": "c1", "param": param}).encode()
        lines = [f"POST {COMMANDS} HTTP/1.1", f"Host: {self.simulator.host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        connection = socket.create_connection(("127.0.0.1", self.simulator.port), timeout=5)
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return connection


@pytest.fixture
def wire(simulator: SimulatorProcess) -> Wire:
    return Wire(simulator, simulator.token)


@pytest.fixture
def wire_of(simulator: SimulatorProcess):
    """The wire of another account, by its e-mail address."""
    return lambda email: Wire(simulator, simulator.sign_in_of(email)["token"])
