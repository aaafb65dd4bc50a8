import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from portal.supervisor import ports, redis
from portal.supervisor.demo import choose_port, new_password
from portal.supervisor.folder import DataFolder
from portal.supervisor.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def supervise(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "portal.supervisor", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_taken_port_that_was_asked_for_is_told_in_one_line(tmp_path, taken_port):
    code, output = supervise("demo", "--port", str(taken_port), "--data", str(tmp_path / "data"))
    assert code == 1
    assert output.count("\n") == 1
    assert f"port {taken_port} is taken; make demo PORT=" in output


def test_without_a_wish_the_next_free_port_is_taken_and_said(monkeypatch, capsys, taken_port):
    monkeypatch.setattr("portal.supervisor.demo.PORT", taken_port)
    chosen = choose_port(None)
    assert chosen != taken_port
    assert ports.why_not("127.0.0.1", chosen) == ""
    assert f"Port {taken_port} is taken; this demo takes {chosen}." in capsys.readouterr().out


@pytest.mark.parametrize("words", ["0", "65536", "80a", "-1", "٣", "9" * 30])
def test_what_is_no_port_is_told_in_one_line(words):
    with pytest.raises(Trouble, match="is not a port"):
        ports.parse_port(words)


def test_a_data_folder_that_is_a_file_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    code, output = supervise("demo", "--data", str(tmp_path / "file"))
    assert code == 1
    assert (
        output
        == f"Gatehouse: the data folder {tmp_path}/file cannot be used: {tmp_path}/file is not a folder\n"
    )


def test_a_data_folder_that_cannot_be_written_is_told_in_one_line():
    code, output = supervise("demo", "--data", "/proc/data")
    assert code == 1
    assert output.startswith("Gatehouse: the data folder /proc/data cannot be used: ")
    assert output.count("\n") == 1


def test_a_full_disk_is_told_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("portal.supervisor.folder.NEEDED_BYTES", 10**18)
    with pytest.raises(Trouble, match="MB left"):
        DataFolder(tmp_path / "data")


def test_the_folders_are_private(tmp_path):
    folder = DataFolder(tmp_path / "data")
    assert [oct(one.stat().st_mode & 0o777) for one in (folder.path, folder.run, folder.logs)] == [
        "0o700"
    ] * 3


def test_a_deep_folder_gets_a_short_one_for_its_sockets_which_goes_away(tmp_path):
    folder = DataFolder(tmp_path / ("deep" * 30))
    with folder.socket_folder() as sockets:
        assert redis.fits(sockets / "redis.sock")
        assert sockets.stat().st_mode & 0o777 == 0o700
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(sockets / "redis.sock"))
    assert not sockets.exists()


def test_a_shallow_folder_holds_its_own_sockets():
    with tempfile.TemporaryDirectory() as short:
        folder = DataFolder(Path(short) / "data")
        with folder.socket_folder() as sockets:
            assert sockets == folder.run
        assert sockets.exists()


def test_a_path_that_is_said_to_fit_can_be_bound():
    path = Path("/tmp") / ("x" * (redis.SOCKET_PATH_BYTES - len("/tmp/")))
    assert redis.fits(path)
    assert not redis.fits(path.with_name(path.name + "x"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    path.unlink()


def test_passwords_differ_and_are_long_enough():
    made = {new_password() for _ in range(100)}
    assert len(made) == 100
    assert {len(one) for one in made} == {19}
