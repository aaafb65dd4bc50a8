"""An environment that cannot be used is told in one line; production brings its own keys, hosts and address."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from portal.keys import new_key_line
from portal.settings import is_loopback

ROOT = Path(__file__).resolve().parent.parent.parent


def manage(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """manage.py in a process of its own, with nothing in its environment but what is said."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA": str(folder / "data"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    """All that production needs."""
    files = {}
    for variable in ("SECRET_KEY_FILE", "ENCRYPTION_KEYS_FILE", "AUDIT_KEYS_FILE"):
        path = tmp_path / variable
        path.write_text(new_key_line())
        files[variable] = str(path)
    return {
        **files,
        "GATEHOUSE_ENV": "production",
        "PUBLIC_URL": "https://gatehouse.example",
        "ALLOWED_HOSTS": "gatehouse.example",
    }


def test_every_variable_is_in_the_manual() -> None:
    read = set(
        re.findall(r'(?:env\.\w+|_key_file)\(\s*"(\w+)"', (ROOT / "portal" / "settings.py").read_text())
    )
    told = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs" / "operations.md").read_text()))
    assert len(read) > 25
    assert read - told == set()


def test_production_starts_with_what_it_needs(tmp_path: Path, production: dict[str, str]) -> None:
    (tmp_path / "data").mkdir()
    ran = manage(tmp_path, "migrate", "-v0", **production)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (tmp_path / "data" / "keys").exists()


@pytest.mark.parametrize(
    "variable",
    ["SECRET_KEY_FILE", "ENCRYPTION_KEYS_FILE", "AUDIT_KEYS_FILE", "PUBLIC_URL", "ALLOWED_HOSTS"],
)
def test_production_refuses_to_start_without_its_own(
    tmp_path: Path, production: dict[str, str], variable: str
) -> None:
    del production[variable]
    told_in_one_line(manage(tmp_path, "check", **production), variable)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALLOWED_HOSTS", "*"),
        ("PUBLIC_URL", "http://gatehouse.example"),
        ("AUDIT_KEYS_FILE", "/nothing/here"),
        ("GATEHOUSE_ENV", "staging"),
        ("SYNC_THREADS", "many"),
        ("DATABASE_URL", "nonsense"),
    ],
)
def test_what_production_cannot_use_is_told_in_one_line(
    tmp_path: Path, production: dict[str, str], variable: str, value: str
) -> None:
    told_in_one_line(manage(tmp_path, "audit_verify", **{**production, variable: value}))


def test_keys_that_development_made_are_none_for_production(
    tmp_path: Path, production: dict[str, str]
) -> None:
    assert manage(tmp_path, "check").returncode == 0
    made = str(tmp_path / "data" / "keys" / "audit-keys")
    told_in_one_line(manage(tmp_path, "check", **{**production, "AUDIT_KEYS_FILE": made}), "development")


@pytest.mark.parametrize("variable", ["SECRET_KEY_FILE", "ENCRYPTION_KEYS_FILE", "AUDIT_KEYS_FILE"])
def test_a_key_of_development_is_known_wherever_it_was_copied_to(
    tmp_path: Path, production: dict[str, str], variable: str
) -> None:
    assert manage(tmp_path, "check").returncode == 0
    made = tmp_path / "data" / "keys" / variable.removesuffix("_FILE").lower().replace("_", "-")
    copy = tmp_path / "elsewhere" / "our-own-key"
    copy.parent.mkdir()
    # Also in a line of its own, between keys that are production's.
    copy.write_text(new_key_line() + "  " + made.read_text() + new_key_line())
    told_in_one_line(manage(tmp_path, "check", **{**production, variable: str(copy)}), variable)


def test_a_key_that_was_rotated_in_development_stays_one_of_development(
    tmp_path: Path, production: dict[str, str]
) -> None:
    assert manage(tmp_path, "migrate", "-v0").returncode == 0
    for words in (["rotate_keys"], ["rotate_keys", "--retire"]):
        assert manage(tmp_path, *words).returncode == 0
    made = str(tmp_path / "data" / "keys" / "encryption-keys")
    copy = tmp_path / "copy"
    copy.write_text(Path(made).read_text())
    ran = manage(tmp_path, "check", **{**production, "ENCRYPTION_KEYS_FILE": str(copy)})
    told_in_one_line(ran, "development")


def test_a_key_that_production_rotates_is_its_own(tmp_path: Path, production: dict[str, str]) -> None:
    (tmp_path / "data").mkdir()
    assert manage(tmp_path, "migrate", "-v0", **production).returncode == 0
    assert manage(tmp_path, "rotate_keys", **production).returncode == 0
    assert manage(tmp_path, "check", **production).returncode == 0


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PUBLIC_URL", "https://[::1]:8000"), ("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")],
)
def test_production_refuses_hosts_of_the_demo(
    tmp_path: Path, production: dict[str, str], variable: str, value: str
) -> None:
    told_in_one_line(manage(tmp_path, "check", **{**production, variable: value}), variable)


def test_this_machine_is_known_by_all_its_names() -> None:
    here = ["localhost", "LOCALHOST.", "demo.localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "0.0.0.0"]
    assert all(map(is_loopback, here))
    assert not any(map(is_loopback, ["", "gatehouse.example", "localhost.example", "10.0.0.1", "[::2]"]))


def test_a_health_check_may_come_by_the_loopback(tmp_path: Path, production: dict[str, str]) -> None:
    (tmp_path / "data").mkdir()
    environment = {**production, "ALLOWED_HOSTS": "gatehouse.example,127.0.0.1"}
    assert manage(tmp_path, "check", **environment).returncode == 0


def test_production_refuses_the_folder_of_a_demo(tmp_path: Path, production: dict[str, str]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "demo.json").write_text("{}")
    told_in_one_line(manage(tmp_path, "check", **production), "demo")


def test_the_deployment_check_finds_nothing(tmp_path: Path, production: dict[str, str]) -> None:
    (tmp_path / "data").mkdir()
    ran = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **production)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "no issues (0 silenced)" in ran.stdout


def test_a_fresh_installation_has_no_account_and_no_key_of_another(tmp_path: Path) -> None:
    script = "from portal.accounts.models import User; print(User.objects.count())"
    keys = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        assert manage(folder, "migrate", "-v0").returncode == 0
        assert manage(folder, "shell", "-v0", "-c", script).stdout.strip() == "0"
        keys += [path.read_text() for path in (folder / "data" / "keys").iterdir() if path.is_file()]
    assert len(keys) == len(set(keys)) == 6


def test_a_database_of_before_is_told_in_one_line(tmp_path: Path) -> None:
    ran = manage(tmp_path, "audit_verify")
    assert ran.returncode == 2
    assert "manage.py migrate" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def told_in_one_line(ran: subprocess.CompletedProcess[str], words: str = "") -> None:
    assert ran.returncode == 2, ran.stderr
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1
    assert words in ran.stderr
