"""One renewal among all callers, in all processes; and a sign-in that is over only when the upstream says so."""

import time
from typing import Any

import pytest
from django.utils import timezone

from portal.connections.models import Connection, Health
from portal.connections.tokens import StoredTokens
from portal.upstream.errors import SignInLost, UpstreamError, UpstreamUnavailable
from tests.audit.test_processes import start
from tests.connections.acting import at_once, pasted, signed_in
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "oauth2/token"


@pytest.fixture
def connection(simulator: SimulatorProcess) -> Connection:
    made = signed_in(simulator)
    simulator.clear_journal()
    return made


def renew(connection: Connection) -> str:
    tokens = StoredTokens(connection.pk)
    return tokens.renew(tokens.current())


RENEWS = """
from portal.connections.models import Connection
from portal.connections.tokens import StoredTokens
import threading
tokens = [StoredTokens(Connection.objects.get().pk) for _ in range(4)]
refused = sys.argv[1]
print("there", flush=True)
renewed = []
threads = [threading.Thread(target=lambda t=t: renewed.append(t.renew(refused))) for t in tokens]
[t.start() for t in threads]; [t.join() for t in threads]
print(*renewed)
"""


def test_eight_threads_and_two_processes_renew_once(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    simulator.fault(TOKEN, "latency", seconds=2.5)
    refused = connection.access_token
    others = [start(RENEWS, refused) for _ in range(2)]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "there"
    renewed = set(at_once(8, lambda number: StoredTokens(connection.pk).renew(refused)))
    for other in others:
        renewed |= set(other.communicate(timeout=30)[0].split())
    assert len(renewed) == 1
    assert renewed != {refused}
    assert len(simulator.journal(TOKEN)) == 1
    assert Connection.objects.get().token_version == 2


def test_a_token_about_to_end_is_renewed_before_it_is_sent(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    connection.expires_at = timezone.now() + timezone.timedelta(seconds=30)
    connection.save(update_fields=["expires_at"])
    old = connection.access_token
    assert StoredTokens(connection.pk).current() != old
    assert len(simulator.journal(TOKEN)) == 1


def test_a_refused_renewal_signs_out_and_is_asked_once(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    simulator.expire_tokens(refresh_too=True)

    def lost(number: int) -> bool:
        try:
            renew(connection)
        except SignInLost:
            return True
        return False

    assert all(at_once(6, lost))
    assert len(simulator.journal(TOKEN)) == 1
    assert Connection.objects.get().health == Health.SIGNED_OUT


@pytest.mark.parametrize("kind", ["reset_before", "status", "hang"])
def test_a_renewal_without_an_answer_is_no_lost_sign_in(
    simulator: SimulatorProcess, connection: Connection, settings: Any, kind: str
) -> None:
    settings.UPSTREAM_DEADLINE_SECONDS = 1.5
    simulator.fault(TOKEN, kind, **({"status": 503} if kind == "status" else {"seconds": 30}))
    with pytest.raises(UpstreamError) as caught:
        renew(connection)
    assert not isinstance(caught.value, SignInLost)
    found = Connection.objects.get()
    assert (found.health, found.refresh_lease_until) == (Health.GOOD, None)


def test_a_lease_left_by_the_dead_holds_nobody_past_their_time(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    Connection.objects.update(refresh_lease_until=timezone.now() + timezone.timedelta(seconds=20))
    began = time.monotonic()
    with pytest.raises(UpstreamUnavailable):
        StoredTokens(connection.pk, ends=began + 0.5).renew(connection.access_token)
    assert time.monotonic() - began < 1 + 5
    Connection.objects.update(refresh_lease_until=timezone.now() - timezone.timedelta(seconds=1))
    assert renew(connection)


def test_somebody_who_signs_in_anew_during_a_renewal_wins(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    tokens = StoredTokens(connection.pk)
    version = connection.token_version
    Connection.objects.update(token_version=version + 1)
    from portal.upstream.signin import TokenSet

    assert tokens._keep(version, TokenSet("late", "late", 60)) == connection.access_token
    assert Connection.objects.get().access_token == connection.access_token


def test_a_pasted_token_cannot_be_renewed(simulator: SimulatorProcess) -> None:
    connection = pasted(simulator)
    simulator.expire_tokens()
    with pytest.raises(SignInLost):
        renew(connection)
    assert Connection.objects.get().health == Health.SIGNED_OUT
    assert simulator.journal(TOKEN) == []


def test_a_token_whose_key_is_gone_is_no_lost_sign_in(
    simulator: SimulatorProcess, connection: Connection
) -> None:
    Connection.objects.update(access_token=b"\x01\x04gone" + b"x" * 40)
    with pytest.raises(UpstreamUnavailable, match="key"):
        StoredTokens(connection.pk).current()
    assert Connection.objects.get().health == Health.GOOD
