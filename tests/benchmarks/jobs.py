"""J1: rows of a job, each claimed, put on the trail, sent and told, beside a bare loop of requests by as many threads."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import requests
from django.conf import settings
from django.utils import timezone

from families.models import Family, Job, JobRow, JobState, RowState
from families.services import jobs
from families.services.jobs import running
from portal.accounts.models import User
from portal.upstream.client import COMMANDS_PATH, new_command_id
from tests.benchmarks.bench import Bench, Claim, benchmark
from tests.benchmarks.measuring import Variant
from tests.factories import ConnectionFactory, FamilyFactory, ManagerFactory, ReachFactory, SyncStateFactory
from tests.plugins.simulator import SimulatorProcess

COMMAND = "invite_family_account"
LATENCY_SECONDS = 0.1


@benchmark("J1", "rows of a job at 100 ms each, beside a bare loop of requests by as many threads")
def rows_of_a_job(bench: Bench) -> None:
    folder = bench.folder / "simulator-jobs"
    folder.mkdir(exist_ok=True)
    simulator = SimulatorProcess(folder, "--families", "4")
    try:
        _send(bench, simulator)
    finally:
        simulator.stop()


def _send(bench: Bench, simulator: SimulatorProcess) -> None:
    connection = ConnectionFactory(
        base_url=simulator.url, access_token=simulator.token, calls_per_minute=1_000_000
    )
    told = simulator.family(auth="admin", is_gone=False)
    family = FamilyFactory(residence_id=told["residence_id"])
    ReachFactory(connection=connection, family=family, account_id=simulator.sign_in["account_id"])
    SyncStateFactory(family=family)
    maker, count = ManagerFactory(), bench.part(120, least=40)
    simulator.fault(COMMAND, "latency", seconds=LATENCY_SECONDS)
    made: list[Job] = []

    def load() -> None:
        made.append(_draft(maker, family, count, len(made)))
        running.confirm(maker, made[-1], timezone.now() + timedelta(hours=1))

    def ours() -> None:
        while Job.objects.filter(pk=made[-1].pk, state=JobState.RUNNING).exists():
            jobs.work(60)

    def bare() -> None:
        with ThreadPoolExecutor(settings.JOB_THREADS) as pool:
            session, token = requests.Session(), simulator.token
            url = simulator.url + COMMANDS_PATH
            ask = partial(_ask, session, url, token, told["residence_id"])
            for answer in pool.map(ask, range(count)):
                assert answer["success"], answer

    measured = bench.measure(Variant("ours", ours, before=load), Variant("bare requests", bare), waits=True)
    assert not JobRow.objects.exclude(state=RowState.DONE).exists()
    ideal = count * LATENCY_SECONDS / settings.JOB_THREADS
    ours_seconds = measured.seconds["ours"]
    bench.say(f"{count} rows, {settings.JOB_THREADS} threads: {count / ours_seconds:.1f} rows/s")
    bench.tell(
        measured,
        [
            Claim("ours / bare requests", ours_seconds / measured.seconds["bare requests"], most=1.5),
            Claim("ours / calls × latency / threads", ours_seconds / ideal, most=1.7),
        ],
    )


def _draft(maker: User, family: Family, count: int, turn: int) -> Job:
    job = Job.objects.create(kind="residents", title=f"Job {turn}", made_by=maker, options={"way": "invite"})
    JobRow.objects.bulk_create(
        JobRow(
            job=job,
            number=number,
            family=family,
            mark="new",
            state=RowState.WAITING,
            values={"email": f"job{turn}row{number}@sheet.example", "auth": "guest"},
        )
        for number in range(1, count + 1)
    )
    return job


def _ask(session: requests.Session, url: str, token: str, residence_id: str, number: int) -> dict[str, Any]:
    email = f"bare{time.monotonic_ns()}x{number}@sheet.example"
    param = {"residence_id": residence_id, "email": email, "auth": "guest"}
    body = {"command": COMMAND, "id": new_command_id(), "param": param}
    headers = {"Authorization": f"Bearer {token}"}
    headers |= dict.fromkeys(("Accept", "Content-Type"), "application/json")
    answer: dict[str, Any] = session.post(url, data=json.dumps(body), headers=headers, timeout=10).json()
    return answer
