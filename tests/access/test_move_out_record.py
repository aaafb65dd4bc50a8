"""The record of a move-out: verified against the trail, from the command line too."""

import hashlib
import json

import pytest

from access.models import MoveOut, MoveOutItem, MoveOutReading, MoveOutState
from access.services.moving import advancing, beginning
from access.services.moving.noticing import notice_gone
from access.services.moving.verifying import verify
from portal.audit.chain import keep_head
from portal.audit.models import Entry
from portal.audit.trail import By
from portal.audit.verification import verify as verify_trail
from tests.access import moving
from tests.access.moving import household, move_out
from tests.consoles import run
from tests.factories import AuditorFactory, ManagerFactory, UserFactory
from tests.plugins.flushing import triggers_off

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(simulator):
    return household(simulator, people=4)


def change_entry(number: int, **columns: str) -> None:
    """As somebody would who has the database and not the keys."""
    from django.db import connection

    with triggers_off(connection):
        Entry.objects.filter(number=number).update(**columns)


class TestVerifying:
    def test_the_digest_is_that_of_the_text_and_stands_in_the_trail(self, home):
        done = move_out(home)
        [reading] = done.readings.all()

        assert hashlib.sha256(reading.text.encode()).hexdigest() == reading.digest
        entry = Entry.objects.get(number=reading.entry)
        assert json.loads(entry.parameters)["digest"] == reading.digest
        proof = verify(done)
        assert proof.is_valid
        assert (proof.records, proof.first, proof.last) == (1, done.entry, reading.entry)
        assert proof.entries == reading.entry - done.entry + 1

    def test_a_text_that_was_changed_is_found_also_with_a_digest_that_fits(self, home):
        done = move_out(home)
        [reading] = done.readings.all()
        changed = reading.text.replace('"gone"', '"left"', 1)
        MoveOutReading.objects.update(text=changed)
        assert "differs from its digest" in verify(done).reason
        MoveOutReading.objects.update(digest=hashlib.sha256(changed.encode()).hexdigest())
        assert "not the one that entry" in verify(done).reason

    def test_a_record_that_was_taken_away_is_found(self, home):
        done = move_out(home)
        advancing.look_again(ManagerFactory(), done)
        assert verify(done).is_valid
        done.readings.get(number=1).delete()
        assert "record 1 is missing" in verify(done).reason
        done.readings.all().delete()
        assert "tells of 2 records" in verify(done).reason

    def test_an_entry_that_was_changed_on_the_way_is_found(self, home):
        done = move_out(home)
        number = Entry.objects.filter(event="member.remove").first().number
        change_entry(number, words="nothing happened")
        assert verify(done).reason == f"a column of entry {number} differs from what was signed"

    def test_a_head_that_says_otherwise_is_found(self, home):
        done = move_out(home)
        keep_head(done.entry + 1, "0" * 64)
        assert "differs from the head" in verify(done).reason

    def test_the_trail_as_a_whole_holds_too(self, home):
        move_out(home)
        for number, mac in Entry.objects.order_by("number").values_list("number", "mac"):
            keep_head(number, mac)
        assert verify_trail().is_valid


class TestWhatIsGoneSince:
    @pytest.fixture
    def gone_since(self, simulator):
        """A move-out of which one member was left, who is gone by now."""
        simulator.reset(batches="each")
        home = household(simulator, people=4)
        stays = home.members[1]
        simulator.fault(moving.REMOVE_MANY, "refuse", account_id=stays.account_id)
        done = move_out(home)
        simulator.clear_faults()
        rid = home.family.residence_id
        simulator.event("member", residence_id=rid, account_id=stays.account_id, removed=True)
        for _ in range(2):
            home.read()
        return done

    def test_what_the_sync_finds_gone_is_signed_as_another_record(self, gone_since):
        assert notice_gone() == 1

        first, second = gone_since.readings.order_by("number")
        assert (first.left, second.left, second.by_name) == (1, 0, By.system().name)
        entry = Entry.objects.get(number=second.entry)
        assert (entry.event, json.loads(entry.parameters)["digest"]) == ("move_out.noticed", second.digest)
        assert verify(gone_since).is_valid
        MoveOutReading.objects.filter(pk=second.pk).delete()
        assert "tells of 2 records" in verify(gone_since).reason

    def test_it_is_noticed_once(self, gone_since):
        assert [notice_gone(), notice_gone()] == [1, 0]
        assert gone_since.readings.count() == 2

    def test_while_it_is_tried_again_nothing_is_noticed(self, gone_since):
        beginning.try_again(ManagerFactory(), gone_since, attempt=1)
        assert notice_gone() == 0
        assert gone_since.readings.count() == 1

    def test_an_older_record_beside_which_something_went_still_holds_and_says_what_is_not_signed(
        self, client, gone_since
    ):
        # As it was marked before each such notice was a record of its own.
        MoveOutItem.objects.exclude(state="gone").update(state="gone", words="Is not in the family any more.")
        assert verify(gone_since).is_valid
        client.force_login(ManagerFactory())
        page = client.get(moving.url(gone_since)).text
        assert "Beside the record, and not part of what is signed" in page
        assert notice_gone() == 0

        advancing.look_again(ManagerFactory(), gone_since)

        assert verify(gone_since).is_valid
        assert "not part of what is signed" not in client.get(moving.url(gone_since)).text


class TestTheCommand:
    def test_it_moves_out_and_verifies(self, home):
        manager = ManagerFactory()
        ran = run("move_out", home.family.residence_id, "--by", manager.email, "--yes", "--json")
        assert (ran.code, ran.err) == (0, "")
        told = ran.json
        assert {item["state"] for item in told["items"]} == {"gone"}
        assert home.accounts() == {home.own: "admin"}
        one = MoveOut.objects.get()
        assert (told["id"], one.made_by) == (one.public_id, manager)
        checked = run("move_out", f"--verify={one.public_id}")
        assert checked.code == 0
        assert "Valid: 1 records" in checked.out

    def test_a_dry_run_says_what_would_go_and_begins_nothing(self, home):
        ran = run("move_out", home.family.residence_id, "--by", ManagerFactory().email, "--dry-run", "--json")
        assert ran.code == 0
        assert len([one for one in ran.json["would_go"] if one["kind"] == "member"]) == 4
        assert not MoveOut.objects.exists()
        assert home.simulator.journal() == []

    def test_what_is_left_is_named_and_tried_again(self, simulator):
        simulator.reset(batches="each")
        home = household(simulator, people=4)
        manager, stays = ManagerFactory(), home.members[1]
        simulator.fault(moving.REMOVE_MANY, "refuse", account_id=stays.account_id)
        ran = run("move_out", home.family.residence_id, "--by", manager.email, "--yes")
        assert ran.code == 1
        assert ran.err.strip() == f"Not gone: Member {stays.name}"
        simulator.clear_faults()
        again = run("move_out", f"--again={MoveOut.objects.get().public_id}", "--by", manager.email)
        assert again.code == 0
        assert home.accounts() == {home.own: "admin"}

    def test_only_some_leave_where_they_are_named(self, home):
        leaves = home.members[0]
        ran = run(
            "move_out",
            home.family.residence_id,
            "--by",
            ManagerFactory().email,
            "--member",
            leaves.account_id,
            "--yes",
        )
        assert ran.code == 0
        assert leaves.account_id not in home.accounts()
        assert len(home.accounts()) == 4
        assert home.passes() == moving.PASSES

    @pytest.mark.parametrize(
        "words",
        [
            ["{id}", "--yes"],
            ["{id}", "--by", "nobody@gatehouse.example", "--yes"],
            ["{id}", "--by", "{auditor}", "--yes"],
            ["{id}", "--by", "{limited}", "--yes"],
            ["r-none", "--by", "{manager}", "--yes"],
            ["{id}", "--by", "{manager}", "--yes", "--member", "a-none"],
            ["{id}", "--by", "{manager}", "--yes", "--member", "{own}"],
        ],
        ids=str,
    )
    def test_what_cannot_be_is_one_line_and_nothing_is_begun(self, home, words):
        names = {
            "id": home.family.residence_id,
            "auditor": AuditorFactory().email,
            "limited": UserFactory(is_limited=True).email,
            "manager": ManagerFactory().email,
            "own": home.own,
        }
        ran = run("move_out", *[word.format(**names) for word in words], "--json")
        assert ran.is_one_line_of_trouble, (ran.out, ran.err)
        assert not MoveOut.objects.exists()
        assert home.simulator.journal() == []

    def test_without_yes_it_wants_the_name_typed(self, home):
        ran = run("move_out", home.family.residence_id, "--by", ManagerFactory().email)
        assert ran.code == 1
        assert "--yes" in ran.err
        assert not MoveOut.objects.exists()

    def test_verifying_ends_with_1_where_it_is_broken_and_2_where_it_cannot_be_checked(self, home, settings):
        done = move_out(home)
        assert run("move_out", "--verify=-nothing").code == 2
        MoveOutReading.objects.update(digest="0" * 64)
        broken = run("move_out", f"--verify={done.public_id}")
        assert broken.code == 1
        assert "Broken: record 1 differs from its digest" in broken.err
        assert done.state == MoveOutState.ENDED
