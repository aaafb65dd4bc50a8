import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal.supervisor.trouble import StopAsked
from tests import services, steps
from tests.run import Run, run_command


class Stop:
    """Somebody who asks to stop after so many seconds; never, where none are given."""

    def __init__(self, after_seconds: float = 1_000_000) -> None:
        self.at = time.monotonic() + after_seconds

    @property
    def is_asked(self) -> bool:
        return time.monotonic() > self.at

    def check(self) -> None:
        if self.is_asked:
            raise StopAsked


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(Stop(), tmp_path)


def step(name: str, code: str) -> steps.Step:
    return steps.Step(name, (sys.executable, "-c", code))


def test_a_failed_step_fails_the_run_and_the_next_one_is_taken_all_the_same(run, capfd):
    run.take(step("first", "import sys; print('its own words'); sys.exit(3)"))
    run.take(step("second", "print('the other words')"))
    assert run.sum_up(complete=False) == 1
    said = capfd.readouterr().out
    assert "its own words\n" in said
    assert "the other words\n" in said
    assert [line.split()[:2] for line in said.splitlines()[-2:]] == [
        ["FAILED", "first"],
        ["passed", "second"],
    ]


def test_what_is_left_out_is_named_and_fails_a_complete_run_only(run, capsys):
    run.take(step("first", ""))
    run.left_out = [one for one in services.NEEDED if one.name == "PostgreSQL"]
    assert run.sum_up(complete=False) == 0
    assert "LEFT OUT the suite on PostgreSQL: no PostgreSQL here. To have it: apt install postgresql" in (
        capsys.readouterr().out
    )
    assert run.sum_up(complete=True) == 1


def test_a_step_leaves_no_process_behind(run):
    code = (
        "import subprocess, sys; "
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(77.25)']); "
        "open(sys.argv[1], 'w').write(str(p.pid))"
    )
    written = run.folder / "process"
    assert run_command(Stop(), (sys.executable, "-c", code, str(written)), run.environment) == 0
    end = time.monotonic() + 5
    while is_running(written.read_text()):
        assert time.monotonic() < end
        time.sleep(0.02)


def is_running(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_wish_to_stop_interrupts_the_step_as_ctrl_c_does(run, capfd):
    code = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: print('interrupted and tidied up', flush=True)"
    with pytest.raises(StopAsked):
        run_command(Stop(after_seconds=1), (sys.executable, "-c", code), run.environment)
    assert "interrupted and tidied up" in capfd.readouterr().out


def test_without_chromium_the_browser_tests_are_left_out():
    assert "not browser" in steps.suite("suite", [], {"Chromium"}, {}).command
    assert "not browser" not in steps.suite("suite", [], set(), {}).command


def test_the_environment_of_somebody_s_own_gatehouse_does_not_reach_the_tests():
    theirs = {"PATH": "/bin", "DATABASE_URL": "postgres://theirs", "SYNC_THREADS": "1", "MAKEFLAGS": "k"}
    assert services.without_ours(theirs) == {"PATH": "/bin"}


def test_ci_runs_make_test_with_nothing_left_out():
    script = (steps.ROOT / ".ci" / "run").read_text()
    assert "make test COMPLETE=1" in script
    listed = subprocess.run(
        ["make", "--dry-run", "test", "COMPLETE=1"],
        cwd=steps.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-m tests.run ${COMPLETE:+--complete}" in listed.stdout
