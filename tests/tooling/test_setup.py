"""The finding of a Python and the making of .venv, in a copy with a lock that holds nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "requirements"
    folder.mkdir()
    for name in ("setup.sh", "install.py"):
        shutil.copy(REQUIREMENTS / name, folder)
    for name in ("base", "demo", "development"):
        (folder / f"{name}.txt").write_text("# nothing\n")
    return tmp_path


def setup(checkout: Path, name: str = "base", *, path: Path | None = None, **environment: str):
    return subprocess.run(
        ["/bin/sh", "requirements/setup.sh", name],
        cwd=checkout,
        env={"PATH": f"{path}:/usr/bin:/bin" if path else "/usr/bin:/bin", "HOME": str(checkout)}
        | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=110,
        check=False,
    )


def fake(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_a_python_that_is_too_old_is_told_in_one_line(checkout):
    for name in ("python3.13", "python3.12", "python3.11", "python3", "python"):
        fake(checkout / "bin", name, 'echo "Gatehouse needs Python 3.11 to 3.13; found 3.10" >&2; exit 1')
    done = setup(checkout, path=checkout / "bin")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Gatehouse needs Python 3.11 to 3.13; found 3.10\n"
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("version", ["2.7", "3.10", "3.11", "3.13", "3.14"])
def test_the_versions_from_3_11_to_3_13_will_do(checkout, version):
    # A Python of this machine that says it is another, and says so when it is chosen.
    claim = f"import sys; sys.version_info = ({version.replace('.', ', ')}, 0)"
    script = f'[ "$1" = -c ] || exec echo chosen\nexec {sys.executable} -c "{claim}; $2"'
    fake(checkout / "bin", "strange", script)
    done = setup(checkout, PYTHON=str(checkout / "bin" / "strange"))
    if version in {"3.11", "3.13"}:
        assert (done.stdout, done.stderr) == ("chosen\n", "")
    else:
        assert (done.stdout, done.stderr) == ("", f"Gatehouse needs Python 3.11 to 3.13; found {version}\n")


def test_a_python_without_venv_is_told_in_one_line(checkout):
    for name in ("python3.13", "python3.12", "python3.11", "python3", "python"):
        fake(
            checkout / "bin",
            name,
            f"exec {sys.executable} -c \"import sys; sys.modules['ensurepip'] = None; $2\"",
        )
    done = setup(checkout, path=checkout / "bin")
    assert done.returncode == 1
    assert done.stderr.startswith("this Python (")
    assert done.stderr.endswith("has no venv: apt install python3-venv\n")
    assert done.stderr.count("\n") == 1


def test_a_shim_that_does_not_run_is_passed_over(checkout):
    fake(checkout / "bin", "python3.13", 'echo "pyenv: python3.13: command not found" >&2; exit 127')
    fake(checkout / "bin", "python3.12", f'exec {sys.executable} "$@"')
    (checkout / "requirements" / "install.py").write_text("print('reached')")
    done = setup(checkout, path=checkout / "bin")
    assert (done.returncode, done.stdout, done.stderr) == (0, "reached\n", "")


def test_a_wished_python_that_is_not_there_is_told_in_one_line(checkout):
    done = setup(checkout, PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert done.stderr == "Gatehouse needs Python 3.11 to 3.13; PYTHON=/nowhere/python does not run\n"


def test_the_environment_follows_the_lock_and_a_half_one_is_made_afresh(checkout):
    half = checkout / ".venv" / "half"
    half.parent.mkdir()
    half.write_text("left by an interrupted installation")
    assert setup(checkout, PYTHON=sys.executable).returncode == 0
    assert not half.exists()
    record = checkout / ".venv" / "installed.json"
    assert list(json.loads(record.read_text())["locks"]) == ["base"]

    ours = checkout / ".venv" / "ours"
    ours.write_text("")
    again = setup(checkout)
    assert (again.returncode, again.stdout) == (0, "")

    (checkout / "requirements" / "base.txt").write_text("# something else\n")
    changed = setup(checkout, PYTHON=sys.executable)
    assert (changed.returncode, changed.stdout) == (0, "Installing requirements/base.txt into .venv …\n")
    assert ours.exists()

    (checkout / "requirements" / "base.txt").write_text("no-such-project-as-this==1.0\n")
    failed = setup(checkout, PYTHON=sys.executable)
    assert failed.returncode == 1
    assert "The installation failed" in failed.stderr
    assert not record.exists()
