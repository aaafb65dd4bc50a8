"""The named steps of `make test`, the same list on a laptop and in CI."""

import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from portal.keys import new_key_line

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Step:
    """One check: its name in the list, the command, what it adds to the environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def checks(folder: Path) -> Iterator[Step]:
    """What is looked at without running the suite; ``folder`` takes keys made for one of them."""
    yield Step("locks: hashes, no addresses", python("-m", "tests.locks"))
    yield Step("ruff check", python("-m", "ruff", "check", "--quiet", "."))
    yield Step("ruff format", python("-m", "ruff", "format", "--check", "--quiet", "."))
    templates = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html"))
    djade = (str(Path(sys.executable).with_name("djade")), "--check", "--target-version", "5.2")
    yield Step("djade", (*djade, *templates))
    yield Step("mypy", python("-m", "mypy"))
    yield Step("migrations", python("manage.py", "makemigrations", "--check", "--dry-run"))
    deploy = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    yield Step("check --deploy", python(*deploy), production(folder))


def suite(
    name: str, words: Collection[str], missing: Collection[str], environment: Mapping[str, str]
) -> Step:
    """The suite in random order, two at a time, less the part whose programs are missing."""
    without = ("-m", "not browser") if "Chromium" in missing else ()
    return Step(name, python("-m", "pytest", "-n", "2", "--dist", "loadgroup", *without, *words), environment)


def production(folder: Path) -> dict[str, str]:
    """What a production of one's own sets, with keys made up for the check."""
    folder.mkdir()
    files = {}
    for variable in ("SECRET_KEY_FILE", "ENCRYPTION_KEYS_FILE", "AUDIT_KEYS_FILE"):
        path = folder / variable.lower()
        path.write_text(new_key_line())
        path.chmod(0o600)
        files[variable] = str(path)
    return files | {
        "GATEHOUSE_ENV": "production",
        # Not the folder of a demo that was tried here.
        "DATA": str(folder),
        "PUBLIC_URL": "https://gatehouse.example.test",
        "ALLOWED_HOSTS": "gatehouse.example.test",
        "TRUSTED_PROXY_COUNT": "1",
        "REDIS_URL": "redis://redis.example.test:6379/0",
        "DATABASE_URL": "postgres://gatehouse:made-up@db.example.test/gatehouse",
    }


def python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)
