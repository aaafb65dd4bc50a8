"""The layers of the house: imports point down only. docs/decisions/0002 says why; CONTRIBUTING.md has the table."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("portal", "families", "access")

# The most specific row wins. Lower layers are imported by higher ones, never the reverse.
LAYERS = (
    ("portal.simulator", 0),
    ("portal.supervisor", 5),
    ("portal.settings", 5),
    ("portal.urls", 5),
    ("portal.policies", 5),
    ("portal.kinds", 5),
    ("portal.wsgi", 5),
    ("portal.celery", 1),
    ("portal.desk", 4),
    ("portal.upstream", 1),
    ("portal.web", 1),
    ("portal.sqlite", 1),
    ("portal.ids", 1),
    ("portal.keys", 1),
    ("portal.sealing", 1),
    ("portal.fingerprints", 1),
    ("portal.text", 1),
    ("portal.cursors", 1),
    ("portal.waiting", 1),
    ("portal.console", 1),
    ("access.history", 1),
    # Imported by Django alone; it tells families whom moves concern.
    ("access.apps", 4),
    # Of pages, for pages: it asks a selector, and knows who may visit what.
    ("access.templatetags", 4),
    # It changes people's means of signing in and writes the trail: a service, for whoever may use it.
    ("portal.accounts.second_factor", 3),
)
INTERFACES = {"views", "forms", "urls", "tasks", "management"}
DOMAIN = {"services", "selectors", "sync"}
# Layer 2: each may import those right of it.
APPS = ("access", "families", "portal.connections", "portal.audit", "portal.accounts")
# Plain helpers: what they may import of the project.
LEAVES = {
    "portal.upstream": ("portal.upstream",),
    "portal.simulator": ("portal.simulator",),
    "portal.keys": (),
    "portal.text": (),
    "portal.cursors": (),
    "access.history": (),
}
# Of the client, interfaces may know the errors only; the commands' table is what `manage.py upstream` offers.
UPSTREAM_FOR_INTERFACES = ("portal.upstream.errors",)


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if ".migrations" not in name:
                yield name.removesuffix(".__init__"), path


def imports(path: Path, name: str) -> Iterator[tuple[str, int]]:
    """Every module or name of ours that a file imports, wherever in it, with its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(filter(None, [above, node.module]))
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def under(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}.")


def layer(name: str) -> int:
    parts = set(name.split("."))
    for place, number in sorted(LAYERS, key=lambda row: -len(row[0])):
        if under(name, place):
            return number
    if parts & INTERFACES or any(part.startswith("urls_") for part in parts):
        return 4
    if parts & DOMAIN:
        return 3
    return 2


def app(name: str) -> int | None:
    return next((place for place, of in enumerate(APPS) if under(name, of)), None)


def ours(name: str) -> bool:
    return name.split(".")[0] in PACKAGES


ALL = sorted(modules())


@pytest.mark.parametrize(("name", "path"), ALL, ids=[name for name, _ in ALL])
def test_imports_point_down(name: str, path: Path) -> None:
    if name == "portal":
        return  # It loads the Celery app, as Celery documents: the one exception.
    for imported, line in imports(path, name):
        if not ours(imported):
            continue
        where = f"{name}:{line} imports {imported}"
        for leaf, allowed in LEAVES.items():
            if under(name, leaf):
                assert any(under(imported, place) for place in (leaf, *allowed)), (
                    f"{where}: it is a plain helper"
                )
        if under(imported, "portal.simulator"):
            assert under(name, "portal.simulator"), f"{where}: the simulator is reached over HTTP"
            continue
        mine, theirs = layer(name), layer(imported)
        assert theirs <= mine, f"{where}: layer {mine} may not know layer {theirs}"
        assert theirs < 5 or under(imported, ".".join(name.split(".")[:2])), (
            f"{where}: nobody imports the top"
        )
        if mine == theirs == 2:
            assert app(name) is None or app(imported) is None or app(name) <= app(imported), (  # type: ignore[operator]
                f"{where}: of these two apps the other one stands below"
            )
        if mine == 3 and under(name, "families"):
            assert not under(imported, "access"), f"{where}: access may know families, never the reverse"


@pytest.mark.parametrize(("name", "path"), ALL, ids=[name for name, _ in ALL])
def test_no_underscore_name_crosses_a_module(name: str, path: Path) -> None:
    for imported, line in imports(path, name):
        if ours(imported):
            assert not imported.rsplit(".", 1)[1].startswith("_"), f"{name}:{line} imports {imported}"


def test_only_the_client_speaks_http() -> None:
    for name, path in ALL:
        for imported, line in imports(path, name):
            if imported.split(".")[0] in {"requests", "urllib3", "httpx"}:
                assert under(name, "portal.upstream"), f"{name}:{line} imports {imported}"


def test_views_and_tasks_know_only_the_errors_of_the_client() -> None:
    for name, path in ALL:
        if layer(name) == 4 and ".management." not in name:
            for imported, line in imports(path, name):
                if under(imported, "portal.upstream"):
                    assert under(imported, UPSTREAM_FOR_INTERFACES[0]), f"{name}:{line} imports {imported}"


def test_the_client_and_the_simulator_know_no_django() -> None:
    for name, path in ALL:
        if under(name, "portal.upstream") or under(name, "portal.simulator"):
            for imported, line in imports(path, name):
                assert imported.split(".")[0] != "django", f"{name}:{line} imports {imported}"


def test_the_environment_is_read_in_the_settings_only() -> None:
    for name, path in ALL:
        if name == "portal.settings" or under(name, "portal.supervisor"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
                allowed = name in {"portal.wsgi", "portal.celery"}
                assert allowed, f"{name}:{node.lineno} reads the environment"
