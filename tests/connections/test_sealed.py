"""A stolen database tells no token, and a value fits its own row and field only."""

import io

import pytest
from django.core.management import call_command
from django.db import connection as database

from portal.connections.models import Connection
from portal.connections.sealed import Unreadable, key_ring
from portal.keys import new_key_line, replace
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db
SECRETS = {
    "access_token": "CANARY-access",
    "refresh_token": "CANARY-refresh",
    "client_secret": "CANARY-client",
}


@pytest.fixture
def connection() -> Connection:
    return ConnectionFactory(**SECRETS)


def stored(connection: Connection, field: str) -> bytes:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {field} FROM connections_connection WHERE name = %s", [connection.name])
        return bytes(cursor.fetchone()[0])


def test_what_was_sealed_is_read_back(connection: Connection) -> None:
    found = Connection.objects.get()
    assert {name: getattr(found, name) for name in SECRETS} == SECRETS
    found.name = "Renamed"
    found.save()
    assert Connection.objects.get().access_token == SECRETS["access_token"]


@pytest.mark.parametrize("field", SECRETS)
def test_the_table_holds_no_plain_text(connection: Connection, field: str) -> None:
    assert b"CANARY" not in stored(connection, field)


def test_a_dump_holds_no_plain_text(connection: Connection) -> None:
    import base64

    for found in (connection, Connection.objects.get()):
        assert found.pk
        text = io.StringIO()
        call_command("dumpdata", "connections", stdout=text)
        dumped = text.getvalue()
        assert "CANARY" not in dumped
        for secret in SECRETS.values():
            assert base64.b64encode(secret.encode()).decode() not in dumped


def test_equal_secrets_are_not_equal_in_the_table(connection: Connection) -> None:
    other = ConnectionFactory(**SECRETS)
    assert stored(connection, "access_token") != stored(other, "access_token")


def test_a_value_moved_to_another_row_refuses(connection: Connection) -> None:
    other = ConnectionFactory()
    moved = stored(connection, "access_token")
    Connection.objects.filter(pk=other.pk).update(access_token=moved)
    with pytest.raises(Unreadable):
        _ = Connection.objects.get(pk=other.pk).access_token


def test_a_value_moved_to_another_field_refuses(connection: Connection) -> None:
    Connection.objects.update(refresh_token=stored(connection, "access_token"))
    with pytest.raises(Unreadable):
        _ = Connection.objects.get().refresh_token


@pytest.mark.parametrize("place", [0, 1, 3, 12, 20, -1])
def test_a_changed_byte_refuses(connection: Connection, place: int) -> None:
    value = bytearray(stored(connection, "access_token"))
    value[place] ^= 1
    Connection.objects.update(access_token=bytes(value))
    with pytest.raises(Unreadable):
        _ = Connection.objects.get().access_token


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x01\xff", b"plain text", b"\x01\x02\xff\xff" + b"x" * 40])
def test_what_is_no_sealed_value_refuses(connection: Connection, value: bytes) -> None:
    Connection.objects.update(access_token=value)
    with pytest.raises(Unreadable):
        _ = Connection.objects.get().access_token


def test_plain_text_is_written_by_save_only(connection: Connection) -> None:
    with pytest.raises(TypeError):
        Connection.objects.update(access_token="CANARY")
    with pytest.raises(TypeError):
        Connection.objects.bulk_update([connection], ["access_token"])
    with pytest.raises(TypeError):
        Connection.objects.filter(access_token="CANARY").exists()


def test_lists_decrypt_nothing(connection: Connection) -> None:
    """All of this works without the key."""
    text = key_ring.path.read_text()
    try:
        replace(key_ring.path, new_key_line())
        key_ring.forget()
        assert [str(one) for one in Connection.objects.all()] == [connection.name]
        assert Connection.objects.defer("refresh_token").get().sign_in_can_renew
        Connection.objects.get().save()
    finally:
        replace(key_ring.path, text)
        key_ring.forget()
    assert Connection.objects.get().access_token == SECRETS["access_token"]


def test_keys_rotate_while_old_values_stay_readable(connection: Connection) -> None:
    text = key_ring.path.read_text()
    try:
        replace(key_ring.path, new_key_line() + text)
        assert Connection.objects.get().access_token == SECRETS["access_token"]
        fresh = Connection.objects.get()
        fresh.access_token = "CANARY-fresh"
        fresh.save()
        assert stored(fresh, "access_token")[2:10] == key_ring.newest()[0].encode()
        assert Connection.objects.get().access_token == "CANARY-fresh"
    finally:
        replace(key_ring.path, text)
    key_ring.forget()
    with pytest.raises(Unreadable):
        _ = Connection.objects.get().access_token
