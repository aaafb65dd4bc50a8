"""The portal's own processes, the same ones in the demo and in production."""

import http.client
import sys
from collections.abc import Callable
from pathlib import Path

from portal.supervisor.children import Program

WEB_PROCESSES = 2
WEB_THREADS = 8
WORKER_PROCESSES = 2
# A worker's task may run so long (CELERY_TASK_TIME_LIMIT would end it later); it is done again when killed.
WORKER_STOP_SECONDS = 90.0


def web(host: str, port: int, *, is_ready: Callable[[], bool]) -> Program:
    """gunicorn with threads: pages answer while some of them wait for the upstream."""
    words = (
        *("-m", "gunicorn", "portal.wsgi", "--bind", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"),
        *("--worker-class", "gthread", "--workers", str(WEB_PROCESSES), "--threads", str(WEB_THREADS)),
        *("--timeout", "60", "--graceful-timeout", "15", "--log-level", "warning", "--no-control-socket"),
    )
    return Program("web", (sys.executable, *words), is_ready=is_ready)


def worker() -> Program:
    """The Celery worker; TERM lets it finish the tasks it has."""
    words = (
        *("-m", "celery", "--quiet", "-A", "portal", "worker", "--concurrency", str(WORKER_PROCESSES)),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
    )
    return Program("worker", (sys.executable, *words), stop_seconds=WORKER_STOP_SECONDS)


def beat(data: Path) -> Program:
    """Celery's clock. There must be one only, which the lock on DATA sees to; so it needs no pid file."""
    words = ("-m", "celery", "--quiet", "-A", "portal", "beat", "--loglevel", "WARNING", "--pidfile=")
    return Program("beat", (sys.executable, *words, "--schedule", str(data / "beat-schedule")))


def status_of(host: str, port: int, path: str, *, name: str | None = None) -> int | None:
    """The HTTP status that GET answers with; None when nothing answers. ``name`` is the Host it asks for."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path, headers={"Host": name} if name else {})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
