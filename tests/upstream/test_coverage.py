"""docs/upstream-coverage.md has a row for each command, and what it names is there."""

import re
from pathlib import Path

from portal.upstream.client import Client
from portal.upstream.commands import COMMANDS

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "upstream-coverage.md").read_text().splitlines()
    if line.startswith("| `")
]


def test_every_command_has_one_row_in_the_references_order() -> None:
    assert [row[0].strip("`") for row in ROWS] == list(COMMANDS)
    assert len(ROWS) == 30


def test_what_a_row_names_is_there() -> None:
    for command, method, service, page, test in ROWS:
        assert callable(getattr(Client, method.strip("`"))), command
        if service != "–":
            path, _, name = service.strip("`").partition(":")
            assert re.search(rf"(def|class) {name}\b", (ROOT / path).read_text()), (command, service)
        assert page
        for path in re.findall(r"`(tests/[^`]+)`", test):
            assert (ROOT / path).exists(), (command, path)
        assert "tests/" in test, command
