"""No secret of the upstream is left anywhere in DATA: database, logs, Redis, pictures, audit heads."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.house.test_under_trouble import Visitor
from tests.plugins.demo import Demo

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]

# The stand-in's own memory, and the demo's own passwords, which are printed on each start.
NOT_OURS = {"simulator.json", "sign-ins.json"}


def delete_a_pass(visitor: Visitor) -> None:
    """As a person does: chosen from the list, confirmed, gone."""
    chosen = re.search(r'name="pass" value="([^"]+)"', visitor.get("/passes/"))
    assert chosen, "the sync has read no pass"
    page = visitor.get(f"/passes/deletions/?pass={chosen[1]}")
    press = re.search(r'name="(press-[^"]+)" value="([^"]+)"', page)
    assert press
    told = visitor.post("/passes/deletions/", page, **{"pass": chosen[1], press[1]: press[2]})
    assert "1 pass deleted" in told


def use_credentials(visitor: Visitor, page: str) -> None:
    """As a person does: every code shown, what is there read, the PIN changed."""
    family = re.search(r'href="(/families/[\w-]+/)credentials/"', page)
    assert family
    path = f"{family[1]}credentials/"
    page = visitor.get(path)
    for kind in ("pin", "nfc", "ble"):
        assert "data-vanishes" in visitor.post(f"{path}codes/", page, account="organisation", kind=kind)
    assert "Read just now" in visitor.post(f"{path}readings/", page, account="organisation")
    for words in ("The PIN was changed", "It is the PIN of now already"):
        form = visitor.get(f"{path}pin/?account=organisation")
        press = re.search(r'name="press" value="([^"]+)"', form)
        assert press
        pins = {"account": "organisation", "pin": "48273615", "again": "48273615", "press": press[1]}
        assert words in visitor.post(f"{path}pin/", form, **pins)


def use_passes(visitor: Visitor, page: str) -> None:
    """As a person does: one is made, shown, printed and handed over by a link, and its visitor looks at it."""
    family = re.search(r'href="/families/([\w-]+)/credentials/"', page)
    assert family
    form = visitor.get(f"/passes/new/?family={family[1]}")
    press = re.search(r'name="press" value="([^"]+)"', form)
    assert press
    now = datetime.now(UTC)
    wish = {"label": "Plumber", "visitor_name": "Rui", "window": "own", "often": "own", "uses": "3"}
    wish |= {
        "begins": f"{now - timedelta(days=1):%Y-%m-%dT09:00}",
        "ends": f"{now + timedelta(days=2):%Y-%m-%dT09:00}",
    }
    made = visitor.post("/passes/new/", form, family=family[1], press=press[1], **wish)
    # Shown once: the digits, and the door system's picture of them.
    assert "data:image/png;base64," in made, made
    found = re.search(r'href="(/passes/[\w-]{22}/)"', made)
    assert found
    path = found[1]
    page = visitor.get(path)
    assert "data:image/png;base64," not in page
    for kind in ("code", "sheets"):
        assert "data:image/png;base64," in visitor.post(f"{path}{kind}/", page)
    link = re.search(r"/v/[\w-]+/", visitor.post(f"{path}links/", page))
    assert link
    look = visitor.get(link[0])
    assert "data:image" not in look
    assert "data:image/png;base64," in visitor.post(link[0], look)


def use_a_door(visitor: Visitor) -> None:
    """As a person does: pictures of openings are looked at, a device is asked about, its stream shown whole."""
    pictures = re.findall(r'href="(/log/openings/[\w-]+/picture/)"', visitor.get("/log/"))
    assert pictures
    assert "data:image/jpeg;base64," in visitor.get(pictures[0])
    path = re.search(r'href="(/doors/[\w-]{22}/)"', visitor.get("/doors/"))
    assert path
    page = visitor.get(path[1])
    for kind in ("permission", "stream"):
        if f"{path[1]}{kind}/" in page:
            assert visitor.post(f"{path[1]}{kind}/", page)


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
    delete_a_pass(visitor)
    use_credentials(visitor, page)
    use_passes(visitor, page)
    use_a_door(visitor)
    canaries = demo.simulator("GET", "canaries")
    # What the sync reads of passes all the time, and what a deletion sends.
    assert {"temp_key", "qr_code"} <= {entry["kind"] for entry in canaries}
    secrets = [entry["value"] for entry in canaries]
    assert len(secrets) > 100
    assert {"73519284", "48273615"} <= set(secrets)

    found: list[str] = []
    has_looked = False
    for path in demo.data.rglob("*"):
        if path.is_file() and path.name not in NOT_OURS:
            content = path.read_bytes()
            has_looked = has_looked or b"manager@gatehouse.example.test" in content
            found += [f"{path.name}: {secret}" for secret in secrets if secret.encode() in content]
    assert found == []
    assert has_looked
