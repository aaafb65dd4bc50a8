"""`make bench`: ``python -m tests.benchmarks [NAME …] [--rows N] [--rounds N] [--postgres] [--cpu]``.

Everything happens in a folder and a database of this run, which are gone at the end. Exits 0 when all that was
judged is met, 1 when the benchmarks cannot run, 3 when something is not met.
"""

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from portal.supervisor.children import Children
from portal.supervisor.signals import StopRequest
from portal.supervisor.terminal import complain
from portal.supervisor.trouble import ChildEnded, StopAsked, Trouble
from tests import services

NOT_MET = 3


def main() -> int:
    options = _options()
    stop = StopRequest()
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
    # PostgreSQL's account has to pass through it.
    folder.chmod(0o711)
    environment = services.without_ours(os.environ) | {
        "GATEHOUSE_ENV": "development",
        "DATA": str(folder / "data"),
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    try:
        with Children(stop, environment=environment, folder=folder, logs=folder) as servers:
            if options.postgres:
                if not services.find_postgresql():
                    raise Trouble("there is no PostgreSQL here: apt install postgresql")
                environment |= services.start_postgresql(servers, folder)
            os.environ.clear()
            os.environ.update(environment)
            return _run(options, folder, stop)
    except StopAsked:
        complain("\nStopped.")
        return 1
    except Trouble as trouble:
        complain(f"The benchmarks cannot run: {trouble}")
        return 1
    except ChildEnded:
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help="L1, S3, … (default: all)")
    parser.add_argument(
        "--rows", type=int, default=200_000, help="openings in the log (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds of each measurement (default: %(default)s)"
    )
    parser.add_argument("--postgres", action="store_true", help="on a private PostgreSQL instead of SQLite")
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="count processor time, not the clock's, where nothing else is waited for",
    )
    options = parser.parse_args()
    if options.rows < 1000 or options.rounds < 1:
        parser.error("at least 1000 rows and one round")
    return options


def _run(options: argparse.Namespace, folder: Path, stop: StopRequest) -> int:
    """The benchmarks that were named, in a fresh database. Django is imported only now: it reads the environment."""
    import django

    django.setup()
    from django.db import connection, connections

    from tests.benchmarks import subjects
    from tests.benchmarks.bench import Bench

    unknown = [name for name in options.names if name.upper() not in subjects.BENCHMARKS]
    if unknown:
        raise Trouble(f"there is no {unknown[0]}; there are {', '.join(subjects.BENCHMARKS)}")
    names = [name.upper() for name in options.names] or list(subjects.BENCHMARKS)
    with contextlib.redirect_stdout(io.StringIO()):  # it tells of the cache's table, which is there already
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    began = time.monotonic()
    bench = Bench(options.rows, options.rounds, folder, options.cpu)
    print(f"{options.rows:,} openings on {bench.database}, {options.rounds} rounds. ", end="")
    print("Believe the ratios, not the milliseconds.", flush=True)
    try:
        for name in names:
            stop.check()
            found = subjects.BENCHMARKS[name]
            bench.title(name, found.words)
            found.run(bench)
    finally:
        connections.close_all()
    return _sum_up(bench.verdicts, time.monotonic() - began)


def _sum_up(verdicts: list[str], seconds: float) -> int:
    met, missed = verdicts.count("met"), verdicts.count("NOT MET")
    print(f"\n{met} met, {missed} not met, {len(verdicts) - met - missed} not judged; {seconds:.0f} s")
    return NOT_MET if missed else 0


if __name__ == "__main__":
    sys.exit(main())
