import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_two_benchmarks_run_to_the_end_at_toy_size():
    done = run("S3", "l1", "--rows", "1000", "--rounds", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1,000 openings on SQLite" in done.stdout
    for told in ("S3 ", "ours / json.loads", "L1 ", "admin / ours", "our reading / raw SQL"):
        assert told in done.stdout
    # A figure is told, and at this size nobody is judged by it.
    assert "0 met, 0 not met, 3 not judged" in done.stdout


def test_an_unknown_name_is_refused_with_the_known_ones():
    done = run("X9")
    assert done.returncode == 1
    assert "there is no X9; there are " in done.stderr
    assert "S3" in done.stderr
