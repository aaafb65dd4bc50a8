"""manage.py audit_verify and audit_export."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from portal.audit.chain import key_ring
from portal.audit.models import Entry
from portal.keys import new_key_line, replace
from tests.audit.trails import make, tamper
from tests.consoles import run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def five(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        make(5)


def test_a_valid_trail_is_0_with_its_counts() -> None:
    ran = run("audit_verify")
    assert (ran.code, ran.err) == (0, "")
    assert "5 entries" in ran.out
    told = run("audit_verify", "--json").json
    assert (told["valid"], told["entries"]) == (True, 6)
    assert list(Entry.objects.filter(number__gt=5).values_list("event", flat=True)) == ["audit.verified"] * 2


def test_a_broken_one_is_1_with_the_first_bad_number() -> None:
    tamper("UPDATE audit_entry SET words = 'x' WHERE number IN (3, 4)")
    ran = run("audit_verify")
    assert (ran.code, ran.is_one_line_of_trouble) == (1, True)
    assert "entry 3" in ran.err
    told = run("audit_verify", "--json")
    assert (told.code, told.json["valid"], told.json["broken_at"]) == (1, False, 3)
    assert Entry.objects.count() == 5


def test_a_key_that_is_gone_is_2() -> None:
    text = key_ring.path.read_text()
    try:
        replace(key_ring.path, new_key_line())
        key_ring.forget()
        ran = run("audit_verify")
        assert (ran.code, ran.is_one_line_of_trouble) == (2, True)
    finally:
        replace(key_ring.path, text)
        key_ring.forget()


def test_a_third_party_recomputes_the_chain_from_the_export() -> None:
    lines = [json.loads(line) for line in run("audit_export").out.splitlines()]
    head, entries = lines[0], lines[1:]
    keys = dict(line.split(":", 1) for line in key_ring.path.read_text().split())
    previous = head["previous_mac"]
    for number, entry in enumerate(entries, 1):
        columns = [entry[name] for name in head["columns"]]
        assert json.dumps(columns, ensure_ascii=True, separators=(",", ":")) == entry["canonical"]
        key = base64.b64decode(keys[entry["key_id"]])
        text = f"{previous}|{entry['canonical']}".encode()
        assert hmac.new(key, text, hashlib.sha256).hexdigest() == entry["mac"]
        assert entry["number"] == number
        previous = entry["mac"]
    assert [entry["event"] for entry in entries] == ["made.up"] * 5 + ["audit.exported"]


def test_a_part_is_exported_with_the_signature_before_it() -> None:
    lines = [json.loads(line) for line in run("audit_export", "--from", "3", "--to", "4").out.splitlines()]
    assert lines[0]["previous_mac"] == Entry.objects.get(number=2).mac
    assert [entry["number"] for entry in lines[1:]] == [3, 4]


@pytest.mark.parametrize("words", [["--from", "0"], ["--from", "4", "--to", "3"], ["--from", "x"]])
def test_a_part_that_cannot_be_is_one_line(words: list[str]) -> None:
    assert run("audit_export", *words).is_one_line_of_trouble
