"""S1 and S2: three questions to each of many families, 32 in flight, and the whole sync around them."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests
from django.test import override_settings

from access.models import Opening
from access.sync.runs import KEEPERS
from families.models import Family, Kind, Reach, SyncState
from families.sync import states
from families.sync.engine import Report, run
from portal.connections.models import Connection
from portal.upstream.client import COMMANDS_PATH, Client, StaticToken
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.measuring import Variant
from tests.factories import ConnectionFactory

ROOT = Path(__file__).resolve().parents[2]
FAMILIES, LATENCY_SECONDS, THREADS, ROWS = 1000, 0.05, 32, 50
KINDS = (Kind.MEMBERS, Kind.DEVICES, Kind.OPENINGS)
COMMANDS = ("get_family_info", "get_akuvox_device_list", "get_akuvox_open_door_history")
# Sequential calls are so slow that a sample is measured; the whole is said for the same number of calls.
SAMPLE = 40
MOST_ROUNDS = 3


@benchmark(
    "S1", "fan-out: 1,000 families × 3 calls × 50 ms, 32 in flight, beside sequential calls and the ideal"
)
def fan_out(bench: Bench) -> None:
    with _upstream() as url:
        residences = _make(bench.part(FAMILIES, least=4), url)[1]
        calls = [(command, residence) for residence in residences for command in COMMANDS]
        client = Client(url, StaticToken("token"), deadline_seconds=30)
        session = requests.Session()
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))

        def ours(call: tuple[str, str]) -> object:
            return client.call(call[0], {"residence_id": call[1]}).digest

        def bare(call: tuple[str, str]) -> object:
            return _bare(session, url, call)

        measured = _rounds(bench).measure(
            Variant("ours", _in_a_pool(ours, calls), once=True),
            Variant("bare requests, a pool", _in_a_pool(bare, calls), once=True),
            Variant(
                "sequential, scaled",
                lambda: [bare(call) for call in calls[:SAMPLE]],
                units=min(SAMPLE, len(calls)) / len(calls),
                once=True,
            ),
            waits=True,
        )
    ideal = len(calls) * LATENCY_SECONDS / THREADS
    bench.say(f"{len(calls):,} calls, ideal {ideal:.2f} s")
    bench.tell(
        measured,
        [
            Claim("ours / ideal", measured.seconds["ours"] / ideal, most=1.15),
            Claim("sequential / ours", measured.ratio("sequential, scaled", "ours"), least=28),
        ],
    )


@benchmark("S2", "the whole sync of the same, with parsing and tables, beside the fan-out alone")
def whole_sync(bench: Bench) -> None:
    with _upstream() as url, override_settings(SYNC_THREADS=THREADS):
        connection, residences = _make(bench.part(FAMILIES, least=4), url)
        mine = SyncState.objects.filter(family__residence_id__in=residences, kind__in=KINDS)
        ids = list(mine.values_list("pk", flat=True))
        before = Opening.objects.count()
        began = time.perf_counter()
        first = _sync(connection, ids)
        seconds = time.perf_counter() - began
        new = Opening.objects.count() - before
        assert (len(first.good), new) == (len(ids), ROWS * len(residences)), first.failures[:3]
        client = Client(url, StaticToken("token"), deadline_seconds=30)
        calls = [(command, residence) for residence in residences for command in COMMANDS]

        def again() -> None:
            report = _sync(connection, ids)
            assert len(report.good) == len(ids)
            assert not report.changed

        def ours(call: tuple[str, str]) -> object:
            return client.call(call[0], {"residence_id": call[1]}).digest

        measured = _rounds(bench).measure(
            Variant("unchanged", again, once=True),
            Variant("fan-out alone", _in_a_pool(ours, calls), once=True),
            waits=True,
        )
    ideal = len(calls) * LATENCY_SECONDS / THREADS
    bench.say(
        f"first time, all new: {seconds:.1f} s, {new:,} openings, {new / seconds:,.0f} rows/s; ideal {ideal:.2f} s"
    )
    bench.tell(
        measured,
        [
            Claim("unchanged / fan-out", measured.ratio("unchanged", "fan-out alone"), most=1.2),
            Claim("unchanged / ideal", measured.seconds["unchanged"] / ideal, most=1.2 * 1.15),
        ],
    )


@contextmanager
def _upstream() -> Iterator[str]:
    words = [sys.executable, "-m", "tests.benchmarks.upstream", str(LATENCY_SECONDS), str(ROWS)]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdin
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def _make(count: int, url: str) -> tuple[Connection, list[str]]:
    """A connection with so many families of its own that nobody has read yet."""
    connection = ConnectionFactory(base_url=url, access_token="token", calls_per_minute=1_000_000)
    first = Family.objects.count()
    families = Family.objects.bulk_create(
        [Family(residence_id=f"f{first + number:031x}", name="") for number in range(count)], batch_size=500
    )
    Reach.objects.bulk_create(
        [Reach(connection=connection, family=family, account_id=f"a{family.pk}") for family in families],
        batch_size=500,
    )
    states.make_for_families([family.pk for family in families])
    return connection, [family.residence_id for family in families]


def _sync(connection: Connection, ids: list[int]) -> Report:
    return run(ids, KEEPERS, {connection.pk: connection}, is_forced=True)


def _in_a_pool(
    ask: Callable[[tuple[str, str]], object], calls: list[tuple[str, str]]
) -> Callable[[], object]:
    def run_all() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(ask, calls):
                pass

    return run_all


def _bare(session: requests.Session, url: str, call: tuple[str, str]) -> object:
    """A call as one writes it first."""
    command, residence = call
    body = {"command": command, "id": "c" + "0" * 32, "param": {"residence_id": residence}}
    answer = session.post(
        url + COMMANDS_PATH, json=body, headers={"Authorization": "Bearer token"}, timeout=30
    )
    return json.loads(answer.content)["success"]


def _rounds(bench: Bench) -> Bench:
    return Bench(bench.rows, min(bench.rounds, MOST_ROUNDS), bench.folder, bench.by_cpu)
