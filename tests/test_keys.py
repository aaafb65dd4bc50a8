"""Key files: made once, read whole, never told."""

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from portal.keys import KeyMissing, KeyRing, make_once, new_key_line, replace

ROOT = Path(__file__).resolve().parent.parent
MAKES = """
import sys
from pathlib import Path
from portal.keys import make_once, new_key_line
make_once(Path(sys.argv[1]), new_key_line())
print(Path(sys.argv[1]).read_text(), end="")
"""


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "encryption-keys"
    made = [
        subprocess.Popen([sys.executable, "-c", MAKES, path], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(6)
    ]
    texts = {process.communicate(timeout=60)[0] for process in made}
    assert texts == {path.read_text()}
    assert list(path.parent.iterdir()) == [path]


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "k"
    make_once(path, new_key_line())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    replace(path, new_key_line())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "k"
    make_once(path, "first\n")
    make_once(path, "second\n")
    assert path.read_text() == "first\n"


def test_the_first_line_is_the_newest(tmp_path: Path) -> None:
    old, new = new_key_line(), new_key_line()
    path = tmp_path / "k"
    path.write_text(f"# a remark\n\n{new}{old}")
    ring = KeyRing(path)
    assert ring.ids() == [new.split(":")[0], old.split(":")[0]]
    assert ring.newest() == (new.split(":")[0], base64.b64decode(new.split(":")[1]))
    assert ring.get(old.split(":")[0]) == base64.b64decode(old.split(":")[1])


def test_a_key_that_another_process_added_is_used_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text(new_key_line())
    ring = KeyRing(path)
    ring.newest()
    line = new_key_line()
    replace(path, line + path.read_text())
    assert ring.newest()[0] == line.split(":")[0]


def test_an_unknown_id_has_the_file_read_once_more(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text(new_key_line())
    ring = KeyRing(path)
    ring.newest()
    line = new_key_line()
    replace(path, path.read_text() + line)
    assert ring.get(line.split(":")[0])
    with pytest.raises(KeyMissing, match="nothere"):
        ring.get("nothere")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but a remark\n",
        "CANARYc2VjcmV0\n",
        "id:CANARY not base64\n",
        f"id:{base64.b64encode(b'CANARY').decode()}\n",
        f":{base64.b64encode(b'k' * 32).decode()}\n",
        f"a b:{base64.b64encode(b'k' * 32).decode()}\n",
        f"id:{base64.b64encode(b'k' * 32).decode()}\n" * 2,
        "\xff\xfe",
    ],
)
def test_a_file_that_is_none_of_keys_is_told_without_what_is_in_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(KeyMissing) as caught:
        KeyRing(path).newest()
    assert "CANARY" not in str(caught.value)
    assert base64.b64encode(b"CANARY").decode() not in str(caught.value)


def test_a_file_that_is_gone_is_a_missing_key(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "k")
    with pytest.raises(KeyMissing):
        ring.newest()
    with pytest.raises(KeyMissing):
        ring.get("x")
