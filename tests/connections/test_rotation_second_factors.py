"""The secrets of second factors rotate with the tokens, and fit nobody but whose they are."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connections

from portal.accounts import codes
from portal.connections.models import Connection, PendingSignIn
from portal.connections.sealed import key_ring
from portal.keys import replace
from portal.sealing import MARK, Unreadable, key_id_of, seal_text, text_key_id, unseal_text
from tests.connections.rotating import while_keys_rotate
from tests.consoles import run
from tests.factories import ConnectionFactory, FamilyAdminFactory, ManagerFactory

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def keys_of_before() -> Iterator[str]:
    text = key_ring.path.read_text()
    yield text
    replace(key_ring.path, text)
    key_ring.forget()


def with_an_app(**fields: Any) -> Authenticator:
    """A person's authenticator app, last used half an hour ago."""
    return codes.keep_app(ManagerFactory(**fields), SECRET, 0)


def code_now() -> str:
    return str(codes.format_hotp_value(codes.hotp_value(SECRET, int(time.time()) // 30)))


def sealed_with(authenticator: Authenticator) -> str:
    return text_key_id(Authenticator.objects.get(pk=authenticator.pk).data["secret"])


@pytest.mark.django_db
def test_a_sealed_text_opens_for_what_it_was_sealed_for_only() -> None:
    sealed = seal_text("CANARY: ünïcode", "second-factor:17")
    assert sealed.startswith(MARK)
    assert "CANARY" not in sealed
    assert unseal_text(sealed, "second-factor:17") == "CANARY: ünïcode"
    assert seal_text("CANARY: ünïcode", "second-factor:17") != sealed
    elsewhere = sealed.replace("17", "18")
    for text, bound in ((sealed, "second-factor:18"), (elsewhere, "second-factor:18"), (sealed, "")):
        with pytest.raises(Unreadable):
            unseal_text(text, bound)


@pytest.mark.parametrize(
    "text", ["", "CANARY", "sealed:", "sealed:x", "sealed:x:y", "sealed:x:AQ==", "sealed:é:é"]
)
def test_what_is_no_sealed_text_refuses(text: str) -> None:
    with pytest.raises(Unreadable):
        unseal_text(text, "x")


@pytest.mark.parametrize("place", range(-30, 0, 3))
def test_a_changed_sign_refuses(place: int) -> None:
    sealed = list(seal_text("CANARY", "x"))
    sealed[place] = "A" if sealed[place] != "A" else "B"
    with pytest.raises(Unreadable):
        unseal_text("".join(sealed), "x")


@pytest.mark.django_db
def test_everybodys_second_factor_is_sealed_anew_and_goes_on_working() -> None:
    mine, other = with_an_app(), with_an_app()
    codes.new_recovery_codes(mine.user)
    ran = run("rotate_keys", "--json")
    assert (ran.code, ran.json["resealed"]) == (0, 2), ran.err
    assert sealed_with(mine) == sealed_with(other) == ran.json["key"]
    retired = run("rotate_keys", "--retire", "--json").json
    assert len(retired["retired"]) >= 1
    key_ring.forget()
    assert codes.is_right(mine.user, code_now())
    assert codes.is_right(other.user, code_now())


@pytest.mark.django_db
def test_a_swapped_secret_lets_nobody_in() -> None:
    mine, other = with_an_app(), with_an_app()
    mine.data["secret"], other.data["secret"] = other.data["secret"], mine.data["secret"]
    mine.save()
    other.save()
    run("rotate_keys")
    assert not codes.is_right(mine.user, code_now())
    assert not codes.is_right(other.user, code_now())


@pytest.mark.django_db
def test_personal_connections_and_sign_ins_that_wait_rotate_too() -> None:
    owner = FamilyAdminFactory()
    ConnectionFactory(owner=owner, access_token="CANARY", refresh_token=None, client_secret=None)
    waiting = PendingSignIn(
        state_digest="x",
        started_by=owner,
        name="Mine",
        base_url="https://upstream.example",
        client_id="c",
        client_secret="CANARY",
        calls_per_minute=100,
        expires_at="2030-01-01T00:00:00Z",
    )
    waiting.save(force_insert=True)
    ran = run("rotate_keys", "--json")
    assert ran.json["resealed"] == 2
    for found in (Connection.objects.get(), PendingSignIn.objects.get()):
        stored = found.__dict__.get("access_token") or found.__dict__["client_secret"]
        assert key_id_of(bytes(stored)) == ran.json["key"]
    assert PendingSignIn.objects.get().client_secret == "CANARY"


@pytest.mark.django_db
def test_a_secret_that_cannot_be_read_stops_it_and_keeps_every_key(keys_of_before: str) -> None:
    mine = with_an_app()
    mine.data["secret"] = mine.data["secret"][:-8] + "AAAAAAA="
    mine.save()
    for words in (["rotate_keys"], ["rotate_keys", "--retire"]):
        ran = run(*words)
        assert ran.is_one_line_of_trouble, ran
        assert keys_of_before in key_ring.path.read_text()


@pytest.mark.django_db(transaction=True)
def test_what_somebody_writes_back_while_a_key_retires_is_sealed_anew() -> None:
    """They read it before the rotation, and write it back after the key was dropped."""
    mine = with_an_app()
    assert run("rotate_keys").code == 0
    old = Authenticator.objects.get(pk=mine.pk)
    old.data = mine.data
    newest = key_ring.ids()[0]

    def writes_back() -> None:
        try:
            while key_ring.ids() != [newest]:
                time.sleep(0.005)
            old.save()
        finally:
            connections.close_all()

    late = threading.Thread(target=writes_back)
    late.start()
    assert run("rotate_keys", "--retire").code == 0
    late.join()
    assert sealed_with(mine) == newest
    key_ring.forget()
    assert codes.is_right(mine.user, code_now())


@pytest.mark.django_db(transaction=True)
def test_nobody_is_kept_out_while_keys_rotate_and_retire() -> None:
    mine = with_an_app()

    def signs_in() -> None:
        assert codes.is_right(mine.user, code_now())

    done, failed = while_keys_rotate(signs_in, times=3)
    assert failed == []
    assert done > 10
