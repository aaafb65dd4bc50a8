"""The production processes, set up by the environment: web, worker and beat."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from portal.supervisor import ports, programs
from portal.supervisor.children import Children, Program
from portal.supervisor.folder import DataFolder
from portal.supervisor.signals import StopRequest
from portal.supervisor.terminal import say
from portal.supervisor.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]


def run(stop: StopRequest, *, host: str, port: int) -> None:
    """Run until somebody asks to stop; raises Trouble and ChildEnded."""
    why = ports.why_not(host, port)
    if why:
        raise Trouble(f"port {port} on {host} is {why}; make run PORT=…")
    data = DataFolder(Path(os.environ.get("DATA") or ROOT / "var"))
    with data.lock({"port": port}) as descriptor:
        children = Children(stop, environment=os.environ, folder=ROOT, keep_open=(descriptor,))
        with children:
            prepare = (sys.executable, "-m", "portal.supervisor.prepare")
            children.start(Program("prepare", prepare, runs_on=False))
            children.wait_until_done("prepare")
            children.start(programs.web(host, port, is_ready=lambda: answers(host, port)))
            children.start(programs.worker())
            children.start(programs.beat(data.path))
            children.wait_until_ready("web")
            say(f"Gatehouse listens on {host}, port {port}.")
            children.watch()


def answers(host: str, port: int) -> bool:
    """Whether the portal answers there, be it with a redirect to https; asked by the name that people use."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    name = urlsplit(os.environ.get("PUBLIC_URL", "")).hostname
    return programs.status_of(local, port, "/healthz", name=name) is not None
