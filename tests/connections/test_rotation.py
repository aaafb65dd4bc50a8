"""Keys rotate while everything runs, and the old ones retire."""

import os
from collections.abc import Iterator

import pytest

from portal.audit.models import Entry
from portal.connections.models import Connection
from portal.connections.sealed import key_ring
from portal.keys import replace
from portal.sealing import key_id_of
from tests.connections.rotating import while_keys_rotate
from tests.consoles import run
from tests.factories import ConnectionFactory


@pytest.fixture(autouse=True)
def keys_of_before() -> Iterator[str]:
    text = key_ring.path.read_text()
    yield text
    replace(key_ring.path, text)
    key_ring.forget()


def key_ids() -> set[str]:
    return {key_id_of(bytes(row.__dict__["access_token"])) for row in Connection.objects.all()}


@pytest.mark.django_db
def test_everything_is_sealed_with_the_new_key_and_stays_readable(keys_of_before: str) -> None:
    made = [
        ConnectionFactory(access_token=f"CANARY{n}", refresh_token="r", client_secret=None) for n in range(3)
    ]
    ran = run("rotate_keys", "--json")
    assert (ran.code, ran.json["resealed"]) == (0, 6), ran.err
    assert key_ids() == {ran.json["key"]} == {key_ring.ids()[0]}
    assert keys_of_before in key_ring.path.read_text()
    key_ring.forget()
    assert [Connection.objects.get(pk=one.pk).access_token for one in made] == [
        "CANARY0",
        "CANARY1",
        "CANARY2",
    ]
    assert Entry.objects.get().event == "keys.rotate"
    assert keys_of_before.split(":")[1].strip() not in str(list(Entry.objects.values())) + ran.out


@pytest.mark.django_db
def test_retiring_drops_what_nothing_uses(keys_of_before: str) -> None:
    made = ConnectionFactory(access_token="CANARY")
    old = keys_of_before.split(":")[0]
    assert run("rotate_keys", "--retire", "--json").json["retired"] == []
    run("rotate_keys")
    told = run("rotate_keys", "--retire", "--json").json
    assert old in told["retired"]
    assert key_ring.ids() == [told["key"]]
    key_ring.forget()
    assert Connection.objects.get(pk=made.pk).access_token == "CANARY"


@pytest.mark.django_db
def test_a_value_that_an_old_key_still_seals_is_sealed_anew_before_it_retires() -> None:
    run("rotate_keys")
    newest, old = key_ring.ids()[:2]
    lines = key_ring.path.read_text().splitlines(keepends=True)
    replace(key_ring.path, "".join([lines[1], lines[0], *lines[2:]]))
    made = ConnectionFactory(access_token="CANARY")  # a process that had not seen the new key
    replace(key_ring.path, "".join(lines))
    assert key_ids() == {old}
    assert run("rotate_keys", "--retire", "--json").json["resealed"] == 1
    assert key_ids() == {newest}
    key_ring.forget()
    assert Connection.objects.get(pk=made.pk).access_token == "CANARY"


@pytest.mark.django_db
def test_a_value_that_cannot_be_read_stops_it_and_keeps_every_key(keys_of_before: str) -> None:
    ConnectionFactory()
    Connection.objects.update(access_token=b"\x01\x04gone" + b"x" * 40)
    for words in (["rotate_keys"], ["rotate_keys", "--retire"]):
        ran = run(*words)
        assert ran.is_one_line_of_trouble, ran
        assert keys_of_before in key_ring.path.read_text()


@pytest.mark.django_db
def test_two_rotations_at_once_are_one() -> None:
    import fcntl

    path = key_ring.path.with_name(f".{key_ring.path.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        ran = run("rotate_keys")
    finally:
        os.close(descriptor)
    assert ran.is_one_line_of_trouble
    assert "another rotation" in ran.err


@pytest.mark.django_db(transaction=True)
def test_no_read_fails_while_keys_rotate_and_retire() -> None:
    made = ConnectionFactory(access_token="CANARY", refresh_token="CANARY")

    def read() -> None:
        found = Connection.objects.get(pk=made.pk)
        assert found.access_token == found.refresh_token == "CANARY"

    done, failed = while_keys_rotate(read, times=5)
    assert failed == []
    assert done > 10
    assert len(key_ring.ids()) == 1
