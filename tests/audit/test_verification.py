"""Any change of the trail is found, with its number, and an honest trail never is."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from portal.audit import verification
from portal.audit.chain import SIGNED, append, canonical, key_ring, sign
from portal.audit.models import Entry
from portal.audit.triggers import put_triggers
from portal.audit.verification import verify
from tests.audit.trails import make, tamper
from tests.consoles import run

pytestmark = pytest.mark.django_db
HOLDS_NUMBERS = {"actor_id", "family_id", "upstream_status", "duration_ms"}


@pytest.fixture
def ten(django_capture_on_commit_callbacks: Any) -> None:
    """Ten entries whose heads were kept."""
    with django_capture_on_commit_callbacks(execute=True):
        make(10)


def test_an_honest_trail_is_valid(ten: None) -> None:
    verdict = verify()
    assert (verdict.is_valid, verdict.entries, verdict.heads) == (True, 10, 10)


def test_an_empty_trail_is_valid() -> None:
    assert verify().is_valid


@pytest.mark.parametrize("column", [*SIGNED, "canonical", "mac"])
@pytest.mark.parametrize("number", [1, 5, 10])
def test_a_changed_column_is_found(ten: None, column: str, number: int) -> None:
    if column == "number":
        tamper("UPDATE audit_entry SET number = 77 WHERE number = %s", number)
    elif column == "at":
        tamper("UPDATE audit_entry SET at = %s WHERE number = %s", timezone.now() - timedelta(days=1), number)
    elif column in HOLDS_NUMBERS:
        tamper(f"UPDATE audit_entry SET {column} = 4321 WHERE number = %s", number)
    elif column == "mac":
        tamper("UPDATE audit_entry SET mac = %s WHERE number = %s", "0" * 64, number)
    else:
        tamper(f"UPDATE audit_entry SET {column} = {column} || 'x' WHERE number = %s", number)
    verdict = verify()
    assert (verdict.is_valid, verdict.broken_at) == (False, number)


@pytest.mark.parametrize("number", [1, 5, 10])
def test_a_removed_entry_is_found(ten: None, number: int) -> None:
    tamper("DELETE FROM audit_entry WHERE number = %s", number)
    verdict = verify()
    assert verdict.broken_at == number
    assert ("missing" in verdict.reason) == (number < 10)


def test_all_entries_removed_is_found(ten: None) -> None:
    tamper("DELETE FROM audit_entry")
    assert verify().broken_at == 1


def test_the_numbers_closed_up_after_a_removal_are_found(ten: None) -> None:
    tamper("DELETE FROM audit_entry WHERE number = 4")
    for number in range(5, 11):
        tamper("UPDATE audit_entry SET number = %s WHERE number = %s", number - 1, number)
    assert verify().broken_at == 4


def test_two_entries_in_each_others_place_are_found(ten: None) -> None:
    for old, new in ((4, 99), (6, 4), (99, 6)):
        tamper("UPDATE audit_entry SET number = %s WHERE number = %s", new, old)
    assert verify().broken_at == 4


def test_two_entries_in_each_others_place_with_all_that_is_signed_are_found(ten: None) -> None:
    """Even when the columns agree with the text: the chain does not."""
    four, six = (Entry.objects.filter(number=n).values("canonical", "mac").get() for n in (4, 6))
    for number, other in ((4, six), (6, four)):
        tamper(
            "UPDATE audit_entry SET canonical = %s, mac = %s WHERE number = %s",
            other["canonical"],
            other["mac"],
            number,
        )
    assert verify().broken_at == 4


@pytest.mark.parametrize("number", [-3, 0, 11])
def test_an_entry_put_in_is_found(ten: None, number: int) -> None:
    columns = [f.attname for f in Entry._meta.concrete_fields if f.attname != "number"]
    listed = ", ".join(columns)
    tamper(
        f"INSERT INTO audit_entry (number, {listed}) SELECT %s, {listed} FROM audit_entry WHERE number = 3",
        number,
    )
    assert verify().broken_at == number


def test_an_entry_signed_with_a_key_of_ones_own_is_found(ten: None) -> None:
    entry = Entry.objects.get(number=10)
    entry.event = "forged"
    text = canonical(tuple(getattr(entry, name) for name in SIGNED))
    mac = sign(b"k" * 32, Entry.objects.get(number=9).mac, text)
    tamper("UPDATE audit_entry SET event = 'forged', canonical = %s, mac = %s WHERE number = 10", text, mac)
    assert verify().broken_at == 10


@pytest.mark.parametrize("left", [0, 3, 9])
def test_a_cut_tail_is_found(ten: None, left: int) -> None:
    tamper("DELETE FROM audit_entry WHERE number > %s", left)
    verdict = verify()
    assert verdict.broken_at == left + 1
    assert "cut" in verdict.reason


def test_yesterdays_database_is_found_also_after_new_entries(
    ten: None, django_capture_on_commit_callbacks: Any
) -> None:
    tamper("DELETE FROM audit_entry WHERE number > 6")
    with django_capture_on_commit_callbacks(execute=True):
        make(10)  # numbers 7 to 16, written on top of the old ones
    verdict = verify()
    assert (verdict.is_valid, verdict.broken_at) == (False, 7)


def test_a_crash_between_commit_and_head_is_no_alarm(ten: None) -> None:
    make(2)  # whose heads are never kept
    verdict = verify()
    assert (verdict.is_valid, verdict.entries, verdict.heads) == (True, 12, 10)


def test_a_head_cut_by_a_crash_is_no_alarm(ten: None) -> None:
    with settings.AUDIT_HEADS_FILE.open("ab") as file:
        file.write(b"11 abc")
    assert verify().is_valid


@pytest.fixture
def hundred(django_capture_on_commit_callbacks: Any) -> None:
    """A hundred entries whose heads were kept."""
    with django_capture_on_commit_callbacks(execute=True):
        make(100)


def keep_heads(*numbers: int) -> None:
    """Leave only the heads of these numbers in the file."""
    lines = settings.AUDIT_HEADS_FILE.read_text().splitlines(keepends=True)
    settings.AUDIT_HEADS_FILE.write_text("".join(line for line in lines if int(line.split()[0]) in numbers))


@pytest.mark.parametrize("how", ["removed", "emptied", "filled with something else"])
def test_heads_that_are_gone_are_found(ten: None, how: str) -> None:
    if how == "removed":
        settings.AUDIT_HEADS_FILE.unlink()
    else:
        settings.AUDIT_HEADS_FILE.write_text("" if how == "emptied" else "nothing\n")
    verdict = verify()
    assert (verdict.is_valid, verdict.heads, verdict.broken_at) == (False, 0, 1)
    assert verdict.reason == (
        "the heads kept outside the database end at 0, 10 entries later ones have none: the file was cut or replaced"
    )


def test_heads_that_are_gone_with_the_tail_of_the_table_are_found(ten: None) -> None:
    tamper("DELETE FROM audit_entry WHERE number > 6")
    settings.AUDIT_HEADS_FILE.unlink()
    assert verify().broken_at == 1


@pytest.mark.parametrize(("count", "is_valid"), [(1, True), (2, False)])
def test_only_the_very_first_entry_may_stand_without_a_file(count: int, is_valid: bool) -> None:
    make(count)
    assert verify().is_valid == is_valid


@pytest.mark.parametrize(("newest", "is_valid"), [(36, True), (35, False), (1, False)])
def test_heads_that_end_further_back_than_a_crash_leaves_are_found(
    hundred: None, newest: int, is_valid: bool
) -> None:
    keep_heads(*range(1, newest + 1))
    verdict = verify()
    assert verdict.is_valid == is_valid
    if not is_valid:
        assert verdict.broken_at == newest + 1
        assert f"end at {newest}, {100 - newest} entries later ones" in verdict.reason


def test_heads_that_are_missing_between_others_are_no_alarm(hundred: None) -> None:
    keep_heads(1, 100)
    verdict = verify()
    assert (verdict.is_valid, verdict.heads) == (True, 2)


def test_entries_written_while_it_is_verified_are_no_alarm(
    hundred: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than may be without a head, committed between the reading of the heads and that of the entries."""
    read = verification.read_heads

    def slow() -> Iterator[tuple[int, bytes]]:
        yield from read()
        make(70)

    monkeypatch.setattr(verification, "read_heads", slow)
    verdict = verify()
    assert (verdict.is_valid, verdict.entries, verdict.heads) == (True, 170, 100)


@pytest.mark.parametrize("number", [10**11, 2**63 - 1])
@pytest.mark.parametrize("changed", [1, 5, 10])
def test_a_number_beyond_all_bounds_is_one_line_of_trouble(ten: None, number: int, changed: int) -> None:
    tamper("UPDATE audit_entry SET number = %s WHERE number = %s", number, changed)
    verdict = verify()
    assert verdict.broken_at == changed
    assert "missing" in verdict.reason
    ran = run("audit_verify")
    assert (ran.code, ran.is_one_line_of_trouble) == (1, True)


def test_a_head_beyond_all_bounds_is_found(ten: None) -> None:
    with settings.AUDIT_HEADS_FILE.open("a") as file:
        file.write(f"{10**18} {'a' * 64}\n")
    assert verify().broken_at == 11


def test_a_line_without_an_end_is_passed_over(ten: None) -> None:
    text = settings.AUDIT_HEADS_FILE.read_text()
    settings.AUDIT_HEADS_FILE.write_text("x" * 100_000 + "\n" + text + "x" * 100_000)
    verdict = verify()
    assert (verdict.is_valid, verdict.heads) == (True, 10)


def test_heads_of_any_order_are_no_alarm(ten: None) -> None:
    lines = settings.AUDIT_HEADS_FILE.read_bytes().splitlines(keepends=True)
    settings.AUDIT_HEADS_FILE.write_bytes(b"".join(reversed(lines)))
    assert verify().is_valid


def test_a_changed_head_is_found(ten: None) -> None:
    text = settings.AUDIT_HEADS_FILE.read_text()
    head = Entry.objects.get(number=7).mac
    settings.AUDIT_HEADS_FILE.write_text(text.replace(head, "f" * 64))
    assert verify().broken_at == 7


def test_old_keys_stay_good_for_verifying(ten: None, django_capture_on_commit_callbacks: Any) -> None:
    from portal.keys import new_key_line, replace

    text = key_ring.path.read_text()
    try:
        replace(key_ring.path, new_key_line() + text)
        with django_capture_on_commit_callbacks(execute=True):
            make(3)
        assert len({entry.key_id for entry in Entry.objects.all()}) == 2
        assert verify().is_valid
    finally:
        replace(key_ring.path, text)


@pytest.mark.parametrize("sql", ["UPDATE audit_entry SET words = 'x'", "DELETE FROM audit_entry"])
def test_the_database_itself_refuses_to_change_an_entry(ten: None, sql: str) -> None:
    with pytest.raises(DatabaseError, match="never"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
def test_postgresql_refuses_to_truncate(ten: None) -> None:
    with pytest.raises(DatabaseError, match="never"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_entry")


def test_triggers_that_are_gone_are_reported_and_put_back(ten: None) -> None:
    with connection.cursor() as cursor:
        for name in ("no_change", "no_truncate") if connection.vendor == "postgresql" else ("no_update",):
            table = " ON audit_entry" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER audit_entry_{name}{table}")
    verdict = verify()
    assert not verdict.is_valid
    assert verdict.unprotected
    put_triggers(connection)
    assert verify().is_valid


def test_a_trigger_that_does_nothing_is_no_trigger(ten: None) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RETURN NEW; END $$"
            )
        else:
            cursor.execute("DROP TRIGGER audit_entry_no_update")
            cursor.execute(
                "CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry BEGIN SELECT 1; END"
            )
    assert verify().unprotected
    put_triggers(connection)
    assert verify().is_valid


def test_odd_text_is_signed_as_it_is_read_back(django_capture_on_commit_callbacks: Any) -> None:
    from portal.audit import trail
    from portal.audit.models import Actor
    from portal.audit.trail import About, By

    odd = "\x00 \ud800 \U0001f510 \u2028 İ ß " + "x" * 400
    by = By(Actor.VISITOR, name=odd, address=odd, user_agent=odd, request_id=odd)
    with django_capture_on_commit_callbacks(execute=True):
        trail.record(
            "e" * 60, by, About(None, odd, odd, odd, odd), parameters={"a": odd}, words=odd, reason=odd
        )
    assert verify().is_valid


def test_an_entry_that_was_rolled_back_leaves_no_gap_and_no_head(
    ten: None, django_capture_on_commit_callbacks: Any
) -> None:
    with transaction.atomic():
        make(1)
        transaction.set_rollback(True)
    with django_capture_on_commit_callbacks(execute=True):
        make(1)
    verdict = verify()
    assert (verdict.is_valid, verdict.entries, verdict.heads) == (True, 11, 11)


def test_an_entry_is_never_saved_over_another(ten: None) -> None:
    entry = append(Entry(at=timezone.now(), event="again", actor_kind="system", actor_name="system"))
    assert entry.number == 11


@pytest.mark.django_db(transaction=True)
def test_every_migrate_puts_the_triggers_back() -> None:
    make(2)
    table = " ON audit_entry" if connection.vendor == "postgresql" else ""
    names = ["no_change", "no_truncate"] if table else ["no_update", "no_delete"]
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TRIGGER audit_entry_{name}{table}")
    assert [error.id for error in run_checks(databases=["default"], tags=["database"])] == ["audit.E001"]
    call_command("migrate", verbosity=0)
    assert run_checks(databases=["default"], tags=["database"]) == []
    assert verify().is_valid
