"""Tokens that end while people press doors, pages are read and the sync runs: one renewal, and nobody notices."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connections as databases
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import Relay
from access.sync import runs
from families.models import SyncState
from portal.accounts.models import User
from portal.audit.models import Command, State
from portal.audit.verification import verify
from portal.connections import tasks
from portal.connections.models import Connection, Health
from tests.connections.acting import signed_in
from tests.factories import ManagerFactory
from tests.plugins.simulator import SimulatorProcess
from tests.syncing import read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

TOKEN = "oauth2/token"
PAGES = ("/", "/families/", "/doors/", "/log/", "/connections/")
EXPIRIES = 3


class Load:
    """People and workers at it until they are told to stop; what they met, by kind."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.stop = threading.Event()
        self.met: Counter[str] = Counter()
        self.rounds: list[int] = []
        self.wrong: list[str] = []
        self.lock = threading.Lock()

    def note(self, kind: str, wrong: str = "") -> None:
        with self.lock:
            self.met[kind] += 1
            if wrong:
                self.wrong.append(f"{kind}: {wrong}")

    def client(self) -> Client:
        client = Client()
        client.force_login(self.user)
        return client

    def press(self, relay: Relay) -> Callable[[], None]:
        client = self.client()
        family = relay.device.family
        doors = reverse("access:family_doors", args=[family.public_id])
        url = reverse("access:opening_create", args=[family.public_id, relay.public_id])

        def once() -> None:
            page = client.get(doors).text
            press = re.search(rf'action="{url}".*?name="press" value="([^"]+)"', page, flags=re.DOTALL)
            if press is None:
                self.note("press", "there is no button")
                return
            answer = client.post(url, {"press": press[1]}, follow=True)
            while answer.status_code == 422 and "Again?" in answer.text:
                # Somebody pressed it moments ago: it is meant all the same.
                asked = dict(re.findall(r'name="(press|again)" value="([^"]+)"', answer.text))
                answer = client.post(url, asked, follow=True)
            is_told = "The door was told to open" in answer.text or "Opened" in answer.text
            self.note("press", "" if answer.status_code == 200 and is_told else _words(answer.text))

        return once

    def page(self) -> Callable[[], None]:
        client = self.client()

        def once() -> None:
            for path in PAGES:
                answer = client.get(path)
                is_red = "is signed out" in answer.text or "does not answer" in answer.text
                self.note(
                    "page", f"{path} {answer.status_code}" if answer.status_code != 200 or is_red else ""
                )

        return once

    def sync(self) -> None:
        SyncState.objects.filter(lease_until=None).update(due_at=timezone.now())
        report = runs.run_chunk(list(SyncState.objects.values_list("pk", flat=True)))
        self.note("sync", "; ".join(failure.words for failure in report.failures))

    def beat(self) -> None:
        tasks.look_after_connections()
        tasks.tell_lost_sign_ins()
        time.sleep(0.2)

    def everybody_goes_on(self) -> None:
        """Wait until all have ended what they were at, and four more doors were pressed: on a busy machine a read
        could otherwise meet two expiries, and it is promised that it survives one.
        """
        pressed, rounds = self.met["press"], list(self.rounds)
        wait_until(
            lambda: (
                self.met["press"] >= pressed + 4
                and all(now > then for now, then in zip(self.rounds, rounds, strict=True))
            )
        )

    @contextmanager
    def running(self, *works: Callable[[], None]) -> Iterator[None]:
        self.rounds = [0] * len(works)

        def goes_on(place: int, work: Callable[[], None]) -> None:
            try:
                while not self.stop.is_set():
                    work()
                    self.rounds[place] += 1
            except Exception as error:
                self.note("thread", repr(error))
                raise
            finally:
                databases.close_all()

        threads = [threading.Thread(target=goes_on, args=each) for each in enumerate(works)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()


def _words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text.partition("<main")[2]).split())[:300]


def wait_until(condition: Callable[[], Any]) -> None:
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.05)


def doors(count: int) -> list[Relay]:
    """Doors of different families that are online."""
    found: dict[int, Relay] = {}
    for relay in Relay.objects.filter(device__is_online=True).select_related("device__family"):
        found.setdefault(relay.device.family_id, relay)
    return list(found.values())[:count]


def test_tokens_that_expire_under_load_are_renewed_once_each_and_no_page_fails(
    simulator: SimulatorProcess, request: pytest.FixtureRequest
) -> None:
    simulator.reset(families=8)
    connection = signed_in(simulator, calls_per_minute=1_000_000)
    read(connection)
    simulator.clear_journal()
    load = Load(ManagerFactory())
    pressing = [load.press(relay) for relay in doors(settings.UPSTREAM_ACTIONS_AT_ONCE)]
    assert len(pressing) == settings.UPSTREAM_ACTIONS_AT_ONCE
    began = time.monotonic()
    with load.running(*pressing, load.page(), load.page(), load.sync, load.sync, load.beat, load.beat):
        for turn in range(EXPIRIES):
            load.everybody_goes_on()
            version = Connection.objects.get().token_version
            simulator.expire_tokens()
            wait_until(lambda version=version: Connection.objects.get().token_version > version)
            assert len(simulator.journal(TOKEN)) == turn + 1
        load.everybody_goes_on()
    seconds = time.monotonic() - began
    assert load.wrong == []
    assert len(simulator.journal(TOKEN)) == EXPIRIES
    assert set(Command.objects.values_list("state", flat=True)) <= {
        State.SUCCEEDED,
        State.CONFIRMED_BY_HISTORY,
    }
    opened = simulator.journal("trigger_akuvox_remote_open_door", executed="True")
    assert len(opened) == load.met["press"] == Command.objects.count()
    assert Connection.objects.get().health == Health.GOOD
    assert verify().is_valid
    refused = sum(row["status"] == 401 for row in simulator.journal())
    figures = (
        f"{EXPIRIES} expiries in {seconds:.0f} s: {EXPIRIES} refreshes, {refused} answers 401, "
        f"{load.met['press']} presses, {load.met['page']} pages, {load.met['sync']} rounds of the sync, 0 failed"
    )
    request.node.add_report_section("call", "figures", figures)
    print(figures)


def test_a_sign_in_that_ends_for_good_under_load_is_asked_for_once_and_told(
    simulator: SimulatorProcess, mailoutbox: list[Any]
) -> None:
    simulator.reset(families=8)
    connection = signed_in(simulator, calls_per_minute=1_000_000)
    read(connection)
    simulator.clear_journal()
    load = Load(ManagerFactory())
    pressing = [load.press(relay) for relay in doors(2)]
    with load.running(*pressing, load.sync, load.sync, load.beat, load.beat):
        wait_until(lambda: load.met["press"] >= 4)
        simulator.expire_tokens(refresh_too=True)
        wait_until(lambda: Connection.objects.get().health == Health.SIGNED_OUT)
        wait_until(lambda: mailoutbox)
        # What was under way may still arrive.
        time.sleep(1)
        simulator.clear_journal()
        time.sleep(2)
    assert len(mailoutbox) == 1
    assert simulator.journal() == []
    assert verify().is_valid
