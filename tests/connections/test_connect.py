"""manage.py connect: tried first, kept only when it works, and nothing secret left lying about."""

from typing import Any

import pytest

from families.models import Kind, SyncState
from portal.audit.models import Entry
from portal.audit.verification import verify
from portal.connections import addresses
from portal.connections.models import Connection, Health
from tests.audit.test_trail import deaf_trail as deaf_trail
from tests.consoles import run
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db


def connect(
    simulator: SimulatorProcess, *words: str, token: str | None = None, name: str = "Riverside"
) -> Any:
    stdin = (simulator.token if token is None else token) + "\n"
    return run("connect", name, "--url", simulator.url, "--token-stdin", *words, stdin=stdin)


def test_a_connection_is_added_and_the_planner_finds_it(simulator: SimulatorProcess) -> None:
    ran = connect(simulator, "--history-zone", "Europe/Lisbon")
    assert (ran.code, ran.err) == (0, "")
    made = Connection.objects.get()
    assert (made.name, made.base_url, made.history_zone) == ("Riverside", simulator.url, "Europe/Lisbon")
    assert made.access_token == simulator.token
    assert SyncState.objects.get().kind == Kind.FAMILIES
    assert [row["command"] for row in simulator.journal()] == ["get_family_list", "get_family_info"]
    told = list(Entry.objects.order_by("number").values_list("event", "phase", "outcome", "actor_kind"))
    assert told == [
        ("connection.add", "intent", "", "operator"),
        ("connection.add", "outcome", "succeeded", "operator"),
    ]
    assert len({entry.command_id for entry in Entry.objects.all()}) == 1
    assert simulator.token not in ran.out + str(list(Entry.objects.values()))


def test_with_json_there_is_nothing_but_json(simulator: SimulatorProcess) -> None:
    told = connect(simulator, "--json").json
    assert (told["connection"], told["families"], told["done"]) == ("Riverside", 40, "added")


def test_blanks_around_the_token_and_a_slash_and_capitals_in_the_address_are_no_matter(
    simulator: SimulatorProcess,
) -> None:
    url = simulator.url.replace("127.0.0.1", "LOCALHOST") + "/"
    ran = run("connect", "R", "--url", url, "--token-stdin", stdin=f"  {simulator.token}\t\r\n")
    assert ran.code == 0, ran.err
    assert Connection.objects.get().base_url == simulator.url.replace("127.0.0.1", "localhost")
    assert Connection.objects.get().access_token == simulator.token


def test_an_account_without_a_family_may_be_connected(simulator: SimulatorProcess) -> None:
    newcomer = simulator.estate()["newcomer"]["email"]
    ran = connect(simulator, "--json", token=simulator.sign_in_of(newcomer)["token"])
    assert (ran.code, ran.json["families"]) == (0, 0)


def test_by_password_the_password_is_used_and_not_kept(simulator: SimulatorProcess) -> None:
    wanted = simulator.sign_in
    words = ["--username", wanted["username"], "--client-id", wanted["client_id"], "--password-stdin"]
    stdin = f" {wanted['password']} \n{wanted['client_secret']}\n"
    ran = run("connect", "Riverside", "--url", simulator.url, *words, stdin=stdin)
    assert ran.code == 0, ran.err
    made = Connection.objects.get()
    assert made.refresh_token
    assert made.client_secret == wanted["client_secret"]
    kept = str(list(Connection.objects.values())) + str(list(Entry.objects.values()))
    for secret in (wanted["password"], wanted["client_secret"], made.access_token):
        assert secret not in kept + ran.out


def test_the_same_name_again_renews_it(simulator: SimulatorProcess) -> None:
    connect(simulator)
    first = Connection.objects.get()
    Connection.objects.update(health=Health.SIGNED_OUT, access_token=None, last_error="over", failures=4)
    ran = connect(simulator, "--json")
    assert ran.json["done"] == "renewed"
    made = Connection.objects.get()
    assert (made.pk, made.health, made.last_error, made.failures) == (first.pk, Health.GOOD, "", 0)
    assert made.access_token == simulator.token
    assert made.token_version > first.token_version
    assert Entry.objects.order_by("-number")[0].event == "connection.renew"


def test_what_somebody_paused_stays_paused(simulator: SimulatorProcess) -> None:
    connect(simulator)
    from django.utils import timezone

    Connection.objects.update(paused_at=timezone.now())
    assert "still paused" in connect(simulator).out
    assert Connection.objects.get().paused_at


def test_a_wrong_token_is_told_in_one_line_and_nothing_is_stored(simulator: SimulatorProcess) -> None:
    ran = connect(simulator, token="nonsense-CANARY")
    assert ran.code == 1
    assert ran.is_one_line_of_trouble
    assert simulator.url in ran.err
    assert "get_family_list" in ran.err
    assert "refused" in ran.err
    assert "401" in ran.err
    assert "CANARY" not in ran.err
    assert not Connection.objects.exists()
    assert Entry.objects.order_by("-number")[0].outcome == "refused"


def test_a_wrong_password_is_told_in_one_line(simulator: SimulatorProcess) -> None:
    wanted = simulator.sign_in
    words = ["--username", wanted["username"], "--client-id", wanted["client_id"], "--password-stdin"]
    ran = run("connect", "R", "--url", simulator.url, *words, stdin="CANARYwrong\nCANARYtoo\n")
    assert ran.is_one_line_of_trouble
    assert "CANARY" not in ran.err
    assert not Connection.objects.exists()


def test_an_upstream_that_is_off_is_told_in_one_line(simulator: SimulatorProcess, settings: Any) -> None:
    settings.UPSTREAM_DEADLINE_SECONDS = 1.0
    simulator.stop()
    try:
        ran = connect(simulator, token="any")
    finally:
        simulator.start()
    assert (ran.code, ran.is_one_line_of_trouble) == (1, True)
    assert "could not be reached" in ran.err
    assert Entry.objects.order_by("-number")[0].outcome == "not_sent"


@pytest.mark.parametrize("kind", ["html", "empty", "truncated", "redirect", "status", "wrong_type", "refuse"])
def test_an_answer_of_something_else_is_told_in_one_line(
    simulator: SimulatorProcess, settings: Any, kind: str
) -> None:
    settings.UPSTREAM_DEADLINE_SECONDS = 1.0
    simulator.fault("get_family_list", kind, **({"status": 500} if kind == "status" else {}))
    ran = connect(simulator)
    assert ran.is_one_line_of_trouble, ran
    assert not Connection.objects.exists()


def test_a_failed_renewal_leaves_what_was_there(simulator: SimulatorProcess) -> None:
    connect(simulator)
    assert connect(simulator, token="wrong").code == 1
    assert Connection.objects.get().access_token == simulator.token


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (["R", "--url", "https://u:CANARY@host.example", "--token-stdin"], "t"),
        (["R", "--url", "http://host.example", "--token-stdin"], "t"),
        (["R", "--url", "https://host.example/path?q=CANARY", "--token-stdin"], "t"),
        (["R", "--url", "ftp://host.example", "--token-stdin"], "t"),
        (["R", "--url", "", "--token-stdin"], "t"),
        (["", "--url", "https://host.example", "--token-stdin"], "t"),
        (["x" * 101, "--url", "https://host.example", "--token-stdin"], "t"),
        (["a\nb", "--url", "https://host.example", "--token-stdin"], "t"),
        (["R", "--url", "https://host.example", "--token-stdin"], ""),
        (["R", "--url", "https://host.example", "--token-stdin"], "\n\n"),
        (["R", "--url", "https://host.example", "--token-stdin"], "a" * 10_000),
        (["R", "--url", "https://host.example", "--token-stdin"], "two words"),
        (["R", "--url", "https://host.example", "--token-stdin"], "one\ntwo"),
        (["R", "--url", "https://host.example", "--token-stdin"], "naïve"),
        (["R", "--url", "https://host.example", "--token-stdin", "--username", "u"], "t"),
        (["R", "--url", "https://host.example", "--password-stdin"], "p\ns"),
        (["R", "--url", "https://h.example", "--password-stdin", "--username", "u", "--client-id", "c"], "p"),
        (["R", "--url", "https://host.example", "--token-stdin", "--history-zone", "Mars/Base"], "t"),
        (["R", "--url", "https://host.example", "--token-stdin", "--history-zone", "../../etc/passwd"], "t"),
        (["R", "--url", "https://host.example"], "t"),
        (["R", "--token-stdin"], "t"),
        ([], ""),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_anything_is_tried(words: list[str], stdin: str) -> None:
    ran = run("connect", *words, stdin=stdin)
    assert ran.is_one_line_of_trouble, ran
    assert "CANARY" not in ran.err
    assert not Connection.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://API.Example.COM", "https://api.example.com"),
        ("https://api.example.com:443/", "https://api.example.com"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("HTTPS://bücher.example", "https://xn--bcher-kva.example"),
        ("http://127.0.0.1:8010", "http://127.0.0.1:8010"),
        ("http://[::1]:8010/", "http://[::1]:8010"),
        ("http://localhost", "http://localhost"),
        ("https://192.0.2.7", "https://192.0.2.7"),
    ],
)
def test_an_address_has_one_spelling(given: str, kept: str) -> None:
    assert addresses.normalised(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "https://",
        "api.example.com",
        "https://a b.example",
        "https://host.example:0",
        "https://host.example:99999",
        "https://host.example:x",
        "https://host.example\\@evil.example",
        "https://host.example#x",
        "https://host.example?",
        "https://@host.example",
        "https://-host.example",
        "https://host..example",
        "https://127.1",
        "http://2130706433",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "https://[::1",
        "https://" + "a" * 300 + ".example",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"address|http|host"):
        addresses.normalised(given)


def test_the_trail_is_valid_after_all_of_it(
    simulator: SimulatorProcess, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        connect(simulator)
        connect(simulator, token="wrong")
        connect(simulator)
    assert verify().is_valid


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("deaf_trail")
def test_without_a_trail_nothing_is_tried(simulator: SimulatorProcess) -> None:
    ran = connect(simulator)
    assert ran.is_one_line_of_trouble
    assert simulator.journal() == []


def test_help_is_there() -> None:
    assert run("connect", "--help").code == 0
