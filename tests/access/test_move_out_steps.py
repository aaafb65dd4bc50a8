"""Moving a household out: the order of the steps, what each sends, and what is left where the upstream says no."""

import pytest
from django.test import Client
from django.utils import timezone

from access.models import ItemKind, MoveOutItem, MoveOutState
from access.services.moving import advancing, beginning
from access.services.moving.beginning import MoveOutRefused, NothingLeft, Owner, OwnerNeeded
from access.services.moving.planning import Leaving
from families.models import Grant, Member
from portal.accounts.models import User
from portal.accounts.people import verify_address
from portal.audit.models import Entry
from portal.connections.models import Connection
from tests.access import moving
from tests.access.moving import begin, household, move_out, not_gone, record, states
from tests.accounts.test_adduser import signs_in
from tests.factories import (
    PASSWORD,
    ConnectionFactory,
    FamilyFactory,
    GrantFactory,
    InvitedFactory,
    ManagerFactory,
    ReachFactory,
)

pytestmark = pytest.mark.django_db


class TestEverybody:
    def test_nobody_and_no_pass_is_left_but_the_portals_own_account(self, simulator):
        home = household(simulator)
        assert (len(home.members), home.passes()) == (moving.PEOPLE, moving.PASSES)
        simulator.clear_journal()

        done = move_out(home)

        assert [each["command"] for each in home.sent()] == [
            "batch_delete_akuvox_open_door_temp_key_config",
            moving.REMOVE_MANY,
        ]
        assert home.accounts() == {home.own: "admin"}
        assert home.passes() == 0
        assert set(states(done).values()) == {"gone"}
        assert done.state == MoveOutState.ENDED
        assert (record(done).gone, record(done).left, record(done).unknown) == (17, 0, 0)

    def test_each_command_is_what_the_reference_defines(self, simulator):
        home = household(simulator, auth="user")
        accounts = [member.account_id for member in home.members]

        move_out(home)

        [passes, handing] = home.sent()[:2]
        assert passes["command"] == "batch_delete_akuvox_open_door_temp_key_config"
        assert passes["param"]["residence_id"] == home.family.residence_id
        assert len(passes["param"]["temp_key"]) == moving.PASSES
        assert handing["command"] == moving.HAND_OVER
        assert handing["param"] == {"residence_id": home.family.residence_id, "account_id": home.own}
        [removal] = simulator.journal(moving.REMOVE_MANY)
        assert removal["param"]["residence_id"] == home.family.residence_id
        gone = {one["account_id"] for one in removal["param"]["accounts"]}
        assert gone == set(accounts) - {home.owner}

    def test_one_removal_that_fails_is_the_only_thing_the_record_names_as_left(self, simulator):
        simulator.reset(batches="each")
        home = household(simulator)
        stays = home.members[4]
        simulator.fault(moving.REMOVE_MANY, "refuse", words="Busy indoors", account_id=stays.account_id)

        done = move_out(home)

        [left] = not_gone(done)
        assert (left.kind, left.state, left.subject) == (ItemKind.MEMBER, "left", stays.name)
        assert set(home.accounts()) == {home.own, stays.account_id}
        assert (record(done).gone, record(done).left, record(done).unknown) == (16, 1, 0)

    def test_a_pass_made_elsewhere_a_moment_ago_goes_too(self, simulator):
        home = household(simulator)
        home.make_pass()
        assert moving.live_passes(home.family) == moving.PASSES

        done = move_out(home)

        assert home.passes() == 0
        assert len(states(done, ItemKind.PASS)) <= moving.PASSES + 1
        assert MoveOutItem.objects.filter(move_out=done, kind=ItemKind.PASS, state="gone").count() == 6

    def test_somebody_who_joined_a_moment_ago_goes_too(self, simulator):
        home = household(simulator)
        simulator.event("member", residence_id=home.family.residence_id, email="late@household.example")

        done = move_out(home)

        assert set(home.accounts()) == {home.own}
        assert MoveOutItem.objects.filter(move_out=done, kind=ItemKind.MEMBER).count() == 13


class TestThePortalFirst:
    def test_the_family_the_session_and_the_own_connection_of_a_leaver_end(self, simulator):
        home = household(simulator)
        person = home.admin_of(home.members[0])
        own = ConnectionFactory(owner=person, name="Of their own")
        client = Client()
        verify_address(person)
        assert signs_in(client, person.email, PASSWORD)
        assert client.get(f"/families/{home.family.public_id}/").status_code == 200

        done = move_out(home)

        answer = client.get(f"/families/{home.family.public_id}/")
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/login/")
        assert not Grant.objects.now().filter(person=person).exists()
        own.refresh_from_db()
        assert own.paused_at is not None
        kinds = [item.kind for item in MoveOutItem.objects.filter(move_out=done).order_by("number")[:3]]
        assert kinds == [ItemKind.GRANT, ItemKind.SESSION, ItemKind.PERSONAL_CONNECTION]

    def test_they_end_before_anything_is_sent(self, simulator):
        home = household(simulator)
        person = home.admin_of(home.members[0])
        ConnectionFactory(owner=person, name="Of their own")

        done = move_out(home)

        told = list(Entry.objects.order_by("number").values_list("event", flat=True))
        order = [
            told.index(event)
            for event in ("move_out.begin", "grant.end", "session.end", "connection.pause", "pass.delete")
        ]
        assert order == sorted(order)
        assert told[-1] == "move_out.record"
        for item in MoveOutItem.objects.filter(move_out=done, person=person):
            assert Entry.objects.get(number=item.entry).family_id in {home.family.pk, None}

    def test_a_leaver_with_another_family_keeps_that_and_their_connection(self, simulator):
        home = household(simulator)
        person = home.admin_of(home.members[0])
        other = FamilyFactory(name="Summer house")
        GrantFactory(person=person, family=other)
        own = ConnectionFactory(owner=person, name="Of their own")

        done = move_out(home)

        assert list(Grant.objects.now().filter(person=person).values_list("family", flat=True)) == [other.pk]
        own.refresh_from_db()
        assert own.paused_at is None
        assert ItemKind.PERSONAL_CONNECTION not in {
            item.kind for item in MoveOutItem.objects.filter(move_out=done)
        }

    def test_an_invitation_to_the_portal_is_taken_back(self, simulator):
        home = household(simulator)
        waiting = InvitedFactory(role="family_admin")
        GrantFactory(person=waiting, family=home.family)

        done = move_out(home)

        assert not User.objects.filter(pk=waiting.pk).exists()
        assert states(done, ItemKind.PORTAL_INVITATION) == {waiting.email: "gone"}

    def test_an_invited_person_with_another_family_stays_invited_to_that(self, simulator):
        home = household(simulator)
        waiting = InvitedFactory(role="family_admin")
        GrantFactory(person=waiting, family=home.family)
        GrantFactory(person=waiting)

        move_out(home)

        assert User.objects.filter(pk=waiting.pk).exists()
        assert moving.live_grants(home.family) == 0

    def test_somebody_whose_family_begins_later_keeps_it_from_the_end_of_the_move_out(self, simulator):
        home = household(simulator)
        begun = begin(home)
        coming = GrantFactory(family=home.family, starts_at=timezone.now())

        done = advancing.advance(begun, seconds=30)

        coming.refresh_from_db()
        assert coming.ends_at is None
        assert coming.starts_at == done.ended_at


class TestSome:
    def test_only_they_go_with_what_is_theirs(self, simulator):
        home = household(simulator)
        stays, leaves = home.members[1], home.members[0]
        home.admin_of(stays)
        theirs = home.admin_of(leaves)

        done = move_out(home, None, leaves)

        assert set(home.accounts()) == {home.own, *(one.account_id for one in home.members)}
        assert leaves.account_id not in home.accounts()
        assert home.passes() == moving.PASSES
        assert Grant.objects.now().filter(family=home.family).count() == 1
        assert not Grant.objects.now().filter(person=theirs).exists()
        [removal] = home.sent()
        assert removal["command"] == moving.REMOVE
        assert removal["param"] == {
            "residence_id": home.family.residence_id,
            "account_id": leaves.account_id,
        }
        home.family.refresh_from_db()
        assert home.family.household_since is None
        assert done.state == MoveOutState.ENDED

    def test_every_pass_goes_where_that_was_chosen(self, simulator):
        home = household(simulator)
        leaving = Leaving(is_whole=False, members=(home.members[0],), all_passes=True)

        move_out(home, leaving=leaving)

        assert home.passes() == 0


class TestOwnership:
    def test_an_owner_who_leaves_is_followed_by_a_member_who_stays(self, simulator):
        home = household(simulator, auth="user")
        # Only an owner hands over: the stand-in is asked as theirs.
        owner = Member.objects.get(family=home.family, account_id=home.owner)
        heir = next(one for one in home.members if one != owner)

        done = move_out(home, None, owner, owner=Owner(member=heir))

        [refused] = not_gone(done)[:1]
        assert refused.kind == ItemKind.OWNERSHIP
        assert "Only the owner" in refused.words

    def test_an_owner_who_could_not_hand_over_is_named_as_left_and_the_others_go(self, simulator):
        home = household(simulator, auth="user")
        owner = Member.objects.get(family=home.family, account_id=home.owner)

        done = move_out(home)

        assert home.accounts() == {home.own: "user", home.owner: "admin"}
        left = not_gone(done)
        assert [(item.kind, item.state, item.subject) for item in left] == [
            (ItemKind.OWNERSHIP, "left", owner.name),
            (ItemKind.MEMBER, "left", owner.name),
        ]
        assert "cannot be removed" in left[1].words

    def test_an_owner_who_leaves_needs_a_follower(self, simulator):
        home = household(simulator, auth="user")

        with pytest.raises(OwnerNeeded):
            beginning.begin(
                ManagerFactory(), family=home.family, leaving=Leaving(is_whole=True), owner=Owner(), press="p"
            )
        with pytest.raises(MoveOutRefused):
            begin(home, owner=Owner(member=home.members[0]))
        assert simulator.journal() == []

    def test_a_connection_that_is_not_in_the_family_joins_first(self, simulator):
        home = household(simulator, auth="user")
        told = simulator.estate()["newcomer"]
        sign_in = simulator.sign_in_of(told["email"])
        other = ConnectionFactory(name="Second", base_url=simulator.url, access_token=sign_in["token"])
        # It reaches another family already, by which its account is known.
        ReachFactory(connection=other, account_id=sign_in["account_id"])
        simulator.fault(moving.HAND_OVER, "refuse", words="no")

        done = move_out(home, owner=Owner(connection=other))

        commands = [each["command"] for each in home.sent()]
        assert moving.JOIN in commands
        ownership = MoveOutItem.objects.get(move_out=done, kind=ItemKind.OWNERSHIP)
        assert ownership.state == "left"
        assert "could not join" in ownership.words


class TestTrouble:
    def test_without_an_answer_the_removal_is_what_reading_back_says(self, simulator):
        home = household(simulator)
        simulator.fault(moving.REMOVE_MANY, "reset_after")

        done = move_out(home)

        assert set(states(done).values()) == {"gone"}
        assert len(simulator.journal(moving.REMOVE_MANY)) == 1

    def test_a_connection_that_dies_midway_leaves_members_unknown_and_nothing_told_as_gone(self, simulator):
        home = household(simulator)
        begun = begin(home)
        simulator.fault(moving.REMOVE_MANY, "reset_after")
        simulator.fault(moving.INFO, "reset_before")

        done = advancing.advance(begun, seconds=30)

        assert done.state == MoveOutState.ENDED
        assert set(states(done, ItemKind.MEMBER).values()) == {"unknown"}
        assert set(states(done, ItemKind.PASS).values()) == {"gone"}
        assert (record(done).has_members, record(done).unknown) == (False, moving.PEOPLE)
        assert len(simulator.journal(moving.REMOVE_MANY)) == 1

    def test_without_a_connection_only_the_portals_part_is_gone(self, simulator):
        home = household(simulator)
        person = home.admin_of(home.members[0])
        Connection.objects.filter(pk=home.connection.pk).update(paused_at=timezone.now())

        done = move_out(home)

        assert not Grant.objects.now().filter(person=person).exists()
        assert simulator.journal() == []
        assert set(states(done, ItemKind.MEMBER).values()) == {"left"}
        assert set(states(done, ItemKind.PASS).values()) == {"left"}

    def test_what_is_left_goes_by_another_press_and_only_that_is_sent(self, simulator):
        simulator.reset(batches="each")
        home = household(simulator)
        stays = home.members[4]
        simulator.fault(moving.REMOVE_MANY, "refuse", account_id=stays.account_id)
        done = move_out(home)
        simulator.clear_faults()
        simulator.clear_journal()

        again = beginning.try_again(ManagerFactory(), done, attempt=1)
        again = advancing.advance(again, seconds=30)

        assert [each["command"] for each in home.sent()] == [moving.REMOVE]
        assert not_gone(again) == []
        assert [one.number for one in again.readings.order_by("number")] == [1, 2]
        with pytest.raises(NothingLeft):
            beginning.try_again(ManagerFactory(), again, attempt=1)

    def test_trying_again_leaves_the_next_household_alone(self, simulator):
        simulator.reset(batches="each")
        home = household(simulator)
        stays = home.members[4]
        simulator.fault(moving.REMOVE_MANY, "refuse", account_id=stays.account_id)
        done = move_out(home)
        simulator.clear_faults()
        simulator.event("member", residence_id=home.family.residence_id, email="new@household.example")
        home.read()

        again = advancing.advance(beginning.try_again(ManagerFactory(), done, attempt=1), seconds=30)

        assert not_gone(again) == []
        emails = {one["email"] for one in simulator.family(residence_id=home.family.residence_id)["members"]}
        assert "new@household.example" in emails
