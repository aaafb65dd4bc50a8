"""Several members at once: one command, and row by row what is true, whatever the upstream makes of a batch."""

import json

import pytest

from families.models import Change, Member, SyncState
from families.services.members import changing, removing
from families.services.members.refusals import MemberChanged, MemberGone, NobodyChosen, OwnAccount, OwnerKept
from portal.audit.models import Command, State
from tests.factories import MemberFactory
from tests.families.members.acting import (
    REMOVE,
    REMOVE_MANY,
    RIGHTS,
    RIGHTS_OF_MANY,
    guests,
    raise_all,
    remove_all,
    rights_upstream,
)

pytestmark = pytest.mark.django_db


def states(batch):
    return [(row.member.public_id, row.state) for row in batch.rows]


class TestAsAsked:
    def test_rights_of_many_are_one_command(self, simulator, owned, boss):
        members = guests(owned)[:2]

        batch = raise_all(boss, members)

        [sent] = simulator.journal(RIGHTS_OF_MANY)
        assert sent["param"] == {
            "residence_id": owned.residence_id,
            "accounts": [{"account_id": each.account_id, "auth": "user"} for each in members],
        }
        assert simulator.journal(RIGHTS) == []
        assert (batch.is_read_back, batch.is_done) == (True, True)
        assert [row.words for row in batch.rows] == ["Is an administrator now."] * 2
        assert not Change.objects.exists()

    def test_several_removals_are_one_command_and_they_are_gone_at_once(self, simulator, owned, boss):
        members = guests(owned)[:2]

        batch = remove_all(boss, members)

        [sent] = simulator.journal(REMOVE_MANY)
        assert sent["param"] == {
            "residence_id": owned.residence_id,
            "accounts": [{"account_id": each.account_id} for each in members],
        }
        assert batch.is_done
        assert Member.objects.filter(pk__in=[one.pk for one in members], gone_at=None).count() == 0
        assert not Change.objects.exists()

    def test_one_in_a_batch_is_the_single_command(self, simulator, owned, boss):
        raised, removed = guests(owned)[:2]

        assert raise_all(boss, [raised]).is_done
        assert remove_all(boss, [removed]).is_done

        assert len(simulator.journal(RIGHTS)) == len(simulator.journal(REMOVE)) == 1
        assert simulator.journal(RIGHTS_OF_MANY) == simulator.journal(REMOVE_MANY) == []

    def test_a_repeat_of_the_press_is_told_by_what_was_read(self, simulator, owned, boss):
        members = guests(owned)[:2]

        first, again = (remove_all(boss, members, press="p") for _ in range(2))

        assert again.performed.is_repeat
        assert states(again) == states(first)
        assert len(simulator.journal(REMOVE_MANY)) == 1


class TestInPart:
    """One row that the upstream refuses, in each of the ways that a batch may go."""

    @pytest.mark.parametrize("batches", ["each", "each_silent"])
    def test_the_good_rows_are_done_and_exactly_the_other_is_named(self, simulator, owned, boss, batches):
        simulator.reset(batches=batches)
        good, bad = guests(owned)[:2]
        simulator.fault(RIGHTS_OF_MANY, "refuse", account_id=bad.account_id)

        batch = raise_all(boss, [good, bad])

        assert batch.is_read_back
        assert states(batch) == [(good.public_id, "done"), (bad.public_id, "not_done")]
        assert batch.rows[1].words == "Is still a member."
        expected = State.REFUSED if batches == "each" else State.SUCCEEDED
        assert batch.performed.command.state == expected
        assert not Change.objects.exists()

    @pytest.mark.parametrize("batches", ["each", "each_silent"])
    def test_who_was_removed_although_the_batch_was_refused_is_gone_at_once(
        self, simulator, owned, boss, batches
    ):
        simulator.reset(batches=batches)
        good, bad = guests(owned)[:2]
        simulator.fault(REMOVE_MANY, "refuse", account_id=bad.account_id)

        batch = remove_all(boss, [good, bad])

        assert states(batch) == [(good.public_id, "done"), (bad.public_id, "not_done")]
        good.refresh_from_db()
        assert good.gone_at is not None
        assert not Change.objects.exists()

    def test_all_or_nothing_is_nothing_for_each(self, simulator, owned, boss):
        members = guests(owned)[:2]
        simulator.fault(REMOVE_MANY, "refuse", account_id=members[0].account_id)

        batch = remove_all(boss, members)

        assert [row.state for row in batch.rows] == ["not_done", "not_done"]
        assert {one.account_id for one in members} <= set(rights_upstream(simulator, owned))

    def test_without_an_answer_the_rows_are_told_by_reading(self, simulator, owned, boss):
        simulator.reset(batches="each_silent")
        good, bad = guests(owned)[:2]
        simulator.event("member", residence_id=owned.residence_id, account_id=bad.account_id, removed=True)
        simulator.fault(RIGHTS_OF_MANY, "reset_after")

        batch = raise_all(boss, [good, bad])

        assert batch.performed.command.state == State.UNKNOWN
        assert [row.state for row in batch.rows] == ["done", "not_done"]
        assert batch.rows[1].words == "They are not in the family any more."


class TestUnread:
    def test_what_could_not_be_read_back_is_unknown(self, simulator, owned, boss):
        simulator.fault("get_family_info", "status", status=500)

        batch = remove_all(boss, guests(owned)[:2])

        assert batch.performed.command.state == State.SUCCEEDED
        assert not batch.is_read_back
        assert [row.state for row in batch.rows] == ["unknown", "unknown"]

    def test_what_was_not_sent_is_not_done(self, simulator, owned, boss):
        simulator.stop()

        batch = remove_all(boss, guests(owned)[:2])

        assert [row.state for row in batch.rows] == ["not_done", "not_done"]
        assert batch.rows[0].words == "Nothing was sent."

    def test_from_half_an_answer_nobody_is_called_removed_nor_kept(self, simulator, owned, boss):
        kept, gone = guests(owned)[:2]
        people = owned.members.exclude(pk=gone.pk).values("account_id", "auth")
        told = {"success": True, "timestamp": 1, "result": {"accounts": [*people, {"auth": "guest"}]}}
        simulator.fault("get_family_info", "body", body=json.dumps(told))

        batch = remove_all(boss, [kept, gone])

        assert [row.state for row in batch.rows] == ["unknown", "unknown"]

    def test_a_family_that_could_not_be_read_is_read_soon(self, simulator, owned, boss):
        simulator.fault("get_family_info", "status", status=500)

        remove_all(boss, guests(owned)[:2])

        assert SyncState.objects.get().wanted_until is not None


class TestRefusals:
    @pytest.fixture(autouse=True)
    def _nothing_is_sent(self, simulator):
        yield
        assert simulator.journal() == []
        assert not Command.objects.exists()

    def test_the_owner_among_them_is_named_and_nobody_is_touched(self, owned, owner, boss):
        for act in (raise_all, remove_all):
            with pytest.raises(OwnerKept) as refused:
                act(boss, [guests(owned)[0], owner])
            assert refused.value.members == (owner,)
            assert owner.name in refused.value.words

    def test_the_own_account_among_them(self, owned, boss, connection):
        own = owned.members.get(account_id=connection.reaches.get().account_id)
        for act in (raise_all, remove_all):
            with pytest.raises(OwnAccount):
                act(boss, [guests(owned)[0], own])

    def test_nobody(self, owned, boss):
        with pytest.raises(NobodyChosen):
            changing.change_rights_of_many(boss, family=owned, wanted={}, press="p")
        with pytest.raises(NobodyChosen):
            removing.remove_members(boss, family=owned, members=[], press="p")

    def test_a_member_of_another_family_is_no_member_here(self, owned, boss):
        stranger = MemberFactory()
        with pytest.raises(MemberGone):
            removing.remove_members(boss, family=owned, members=[guests(owned)[0], stranger], press="p")

    def test_who_was_changed_meanwhile_is_named(self, owned, boss):
        members = guests(owned)[:2]

        with pytest.raises(MemberChanged) as refused:
            raise_all(boss, members, was={members[0]: "guest", members[1]: "user"})
        assert [one.pk for one in refused.value.members] == [members[1].pk]
