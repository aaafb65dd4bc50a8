"""The demo: everything on this machine with a made-up estate, nothing to install, nothing to answer."""

import json
import os
import secrets
import string
import sys
import time
from pathlib import Path
from typing import Any

from portal.supervisor import ports, programs, redis
from portal.supervisor.children import Children, Program
from portal.supervisor.folder import DataFolder
from portal.supervisor.signals import StopRequest
from portal.supervisor.terminal import say
from portal.supervisor.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PORT = 8000
# Below the ports that the system gives to outgoing connections, so that it is free again next time; and many, so
# that two demos that start in one moment do not choose the same.
SIMULATOR_PORTS = range(18900, 28900)
# So many rows a history answer holds: a month of a busy family.
WINDOW_ROWS = 400
# What the portal reads from the environment and the demo decides by itself.
OURS = ("DATABASE_URL", "DEBUG", "SECRET_KEY_FILE", "ENCRYPTION_KEYS_FILE", "AUDIT_KEYS_FILE", "EMAIL_URL")
PEOPLE = {
    "manager": "manager@gatehouse.example.test",
    "auditor": "auditor@gatehouse.example.test",
    "family-admin": "family@gatehouse.example.test",
}


def run(stop: StopRequest, *, port: int | None, data: Path) -> None:
    """Run until somebody asks to stop; ``port`` None takes the first free one from 8000 on.

    Raises Trouble and ChildEnded. What is in ``data`` from an earlier start is used again.
    """
    began = time.monotonic()
    # Nothing that is made from here on is for others to read.
    os.umask(0o077)
    # Looked for before anything is made or promised.
    redis.find_server()
    folder = DataFolder(data)
    with folder.lock({}) as descriptor, folder.socket_folder() as sockets:
        port = choose_port(port)
        url = f"http://{HOST}:{port}"
        folder.write_note(descriptor, {"url": url})
        simulator_port = choose_simulator_port(folder)
        socket = sockets / "redis.sock"
        environment = {name: value for name, value in os.environ.items() if name not in OURS} | {
            "GATEHOUSE_ENV": "development",
            "DATA": str(folder.path),
            "PUBLIC_URL": url,
            "ALLOWED_HOSTS": f"{HOST},localhost",
            "TRUSTED_PROXY_COUNT": "0",
            "REDIS_URL": redis.address(socket),
            "CAPTURE_HOSTS": f"{HOST}:{simulator_port}",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PYTHONUNBUFFERED": "1",
        }
        say(f"Starting Gatehouse's demo; all it keeps goes to {folder.path}")
        with Children(
            stop, environment=environment, folder=ROOT, logs=folder.logs, keep_open=(descriptor,)
        ) as children:
            people = start(children, folder, socket=socket, port=port, simulator_port=simulator_port)
            say(welcome(url, people, seconds=time.monotonic() - began))
            children.start(programs.worker())
            children.start(programs.beat(folder.path))
            children.watch()


def start(
    children: Children, folder: DataFolder, *, socket: Path, port: int, simulator_port: int
) -> dict[str, dict[str, str]]:
    """Bring everything up to the first page; returns who can sign in with which password, by role."""
    sign_ins = folder.path / "sign-ins.json"
    kept = read_json(sign_ins)
    people = {
        role: {"email": email, "password": kept.get(role, {}).get("password") or new_password()}
        for role, email in PEOPLE.items()
    }
    if people != kept:
        write_private(sign_ins, people)
        say("The first start makes the database and reads the estate …")
    url = f"http://{HOST}:{simulator_port}"
    plan = {"simulator": url, "people": people, "set_passwords": people != kept}
    prepare = (sys.executable, "-m", "portal.supervisor.first_start")
    children.start(redis.program(socket, folder.redis))
    children.start(simulator(simulator_port, folder))
    children.start(Program("first-start", prepare, standard_input=json.dumps(plan), runs_on=False))
    children.wait_until_ready("simulator")
    children.wait_until_done("first-start")
    children.wait_until_ready("redis")
    children.start(
        programs.web(HOST, port, is_ready=lambda: programs.status_of(HOST, port, "/account/login/") == 200)
    )
    children.wait_until_ready("web")
    return people


def choose_port(wanted: int | None) -> int:
    """The port of the web address; raises Trouble when the one that was asked for cannot be had."""
    if wanted is not None:
        why = ports.why_not(HOST, wanted)
        if why:
            raise Trouble(
                f"port {wanted} is {why}; make demo PORT={ports.next_free(HOST, max(wanted, 1024) + 10)}"
            )
        return wanted
    port = ports.next_free(HOST, PORT)
    if port != PORT:
        say(f"Port {PORT} is taken; this demo takes {port}.")
    return port


def choose_simulator_port(folder: DataFolder) -> int:
    """The simulator's port: the one of last time, since pictures and the connection name it, or a free one."""
    path = folder.path / "demo.json"
    last = read_json(path).get("simulator_port")
    port = (
        last
        if isinstance(last, int) and not ports.why_not(HOST, last)
        else ports.next_free(HOST, secrets.choice(SIMULATOR_PORTS))
    )
    if port != last:
        write_private(path, {"simulator_port": port})
    return port


def simulator(port: int, folder: DataFolder) -> Program:
    """The upstream's stand-in, which keeps its estate in DATA and lets things happen by themselves."""
    words = (
        *(
            "-m",
            "portal.simulator",
            "--host",
            HOST,
            "--port",
            str(port),
            "--live",
            "--quiet",
            "--window",
            str(WINDOW_ROWS),
        ),
        *("--state", str(folder.path / "simulator.json")),
    )
    return Program("simulator", (sys.executable, *words), is_ready=lambda: answers(port))


def answers(port: int) -> bool:
    return programs.status_of(HOST, port, "/_simulator/sign-in") == 200


def new_password() -> str:
    """Four groups of four letters and digits, some 80 bits."""
    letters = string.ascii_lowercase + string.digits
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_private(path: Path, content: object) -> None:
    """Write JSON, readable by the owner only, whole or not at all; raises Trouble."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file, indent=1)
        draft.replace(path)
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror}") from None


def welcome(url: str, people: dict[str, dict[str, str]], *, seconds: float) -> str:
    """The lines that people wait for."""
    rows = [f"    {role:<13} {person['email']:<32} {person['password']}" for role, person in people.items()]
    return "\n".join([f"\nGatehouse is at {url}/  ({seconds:.1f} s)\n", *rows, "\nCtrl-C stops it.\n"])
