"""Says what is wrong with requirements/*.txt: an address of an index, a line without a hash, a name left out."""

import re
import sys
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
NAMES = ("base", "demo", "development")


def problems(folder: Path) -> list[str]:
    """Each in a line; none when the locks are as they should be."""
    found = []
    pins: dict[str, dict[str, str]] = {}
    for name in NAMES:
        pins[name] = {}
        text = (folder / f"{name}.txt").read_text()
        for entry in re.split(r"(?<!\\)\n", text):
            if not entry.strip() or entry.lstrip().startswith("#"):
                continue
            if "://" in entry or entry.startswith("-"):
                found.append(f"{name}.txt: an address or an option: {entry.splitlines()[0]}")
                continue
            pin = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", entry)
            if not pin or "--hash=sha256:" not in entry:
                found.append(f"{name}.txt: not one version with its hashes: {entry.splitlines()[0]}")
                continue
            pins[name][normal(pin[1])] = entry
        wanted = re.findall(r"^[A-Za-z][A-Za-z0-9._-]*", (folder / f"{name}.in").read_text(), re.MULTILINE)
        found += [
            f"{name}.txt: {project} is in {name}.in and not locked: make lock"
            for project in wanted
            if normal(project) not in pins[name]
        ]
    for smaller, larger in pairwise(NAMES):
        found += [
            f"{larger}.txt and {smaller}.txt differ in {project}: make lock"
            for project, entry in pins[smaller].items()
            if pins[larger].get(project) != entry
        ]
    return found


def normal(project: str) -> str:
    """A project's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", project).lower()


if __name__ == "__main__":
    complaints = problems(FOLDER)
    print("\n".join(complaints))
    sys.exit(1 if complaints else 0)
