"""No secret of the upstream is left anywhere in DATA: database, logs, Redis, pictures, audit heads."""

import re

import pytest

from tests.house.test_under_trouble import Visitor
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]

# The stand-in's own memory, and the demo's own passwords, which are printed on each start.
NOT_OURS = {"simulator.json", "sign-ins.json"}


def test_no_secret_of_the_upstream_stands_in_data(demo: Demo) -> None:
    visitor = Visitor(demo, "manager")
    for path in ("/", "/families/", "/doors/", "/log/", "/audit/"):
        visitor.get(path)
    family = demo.simulator("GET", "estate")["families"][0]["residence_id"]
    for command in (
        "get_akuvox_open_door_private_key_config",
        "get_akuvox_open_door_nfc_config",
        "get_akuvox_open_door_ble_config",
        "get_akuvox_open_door_temp_key_config",
        "get_family_remote_connect",
        "get_akuvox_device_list",
    ):
        told = demo.manage("upstream", command, f"residence_id={family}", "--connection", "Riverside")
        assert told.returncode == 0, told.stderr
    changed = demo.manage(
        *("upstream", "update_akuvox_open_door_private_key_config", f"residence_id={family}"),
        *("private_key=73519284", "--connection", "Riverside"),
    )
    assert changed.returncode == 0, changed.stderr
    # The way to a family's panel is shown on a page of its own, and stands nowhere else.
    page = visitor.get(re.search(r'href="(/families/[\w-]{22}/)"', visitor.get("/families/"))[1])
    shown = visitor.post(re.search(r'action="(/families/[\w-]+/panel/)"', page)[1], page)
    assert "Go to the panel" in shown
    secrets = [entry["value"] for entry in demo.simulator("GET", "canaries")]
    assert len(secrets) > 100
    assert "73519284" in secrets

    found, has_looked = [], False
    for path in demo.data.rglob("*"):
        if path.is_file() and path.name not in NOT_OURS:
            content = path.read_bytes()
            has_looked = has_looked or b"manager@gatehouse.example.test" in content
            found += [f"{path.name}: {secret}" for secret in secrets if secret.encode() in content]
    assert found == []
    assert has_looked
