"""A move-out's record says gone of nothing that is there, whatever comes in meanwhile and however the door system errs."""

import json

import pytest
from django.urls import reverse

from access.models import MoveOut, MoveOutReading, MoveOutStep
from access.selectors.moving import list_unfinished
from access.services.moving import advancing, beginning, reading
from access.services.moving.noticing import notice_back
from access.services.moving.verifying import verify
from families.models import Member
from tests.access import moving
from tests.access.moving import household, move_out, not_gone, record, states
from tests.factories import ConnectionFactory, ManagerFactory
from tests.families.house import token_in

pytestmark = pytest.mark.django_db

PASSES = "get_akuvox_open_door_temp_key_config"


@pytest.fixture
def home(simulator):
    return household(simulator, people=4)


@pytest.fixture
def after_step(monkeypatch):
    """Has something happen once a step of a move-out has been taken."""
    taken = advancing._do

    def happens(step, what):
        def take(one, at, by, actor):
            taken(one, at, by, actor)
            if at == step:
                what()

        monkeypatch.setattr(advancing, "_do", take)

    return happens


def answer(result):
    return json.dumps({"success": True, "timestamp": 1, "result": result})


def only_ours(home):
    """An answer in which nobody but the portal's own account is in the family."""
    own = Member.objects.get(family=home.family, account_id=home.own)
    account = {
        "account_id": home.own,
        "account_name": own.account_name,
        "first_name": own.first_name,
        "last_name": own.last_name,
        "email": own.email,
        "auth": "admin",
    }
    told = {"family_name": home.family.name, "online": True, "installed": True, "accounts": [account]}
    return answer(told)


@pytest.mark.parametrize("step", [MoveOutStep.LOOK, MoveOutStep.GRANTS, MoveOutStep.MEMBERS])
def test_who_joins_and_what_is_made_while_it_runs_is_in_the_record_and_goes_with_another_try(
    home, after_step, step
):
    def meanwhile():
        home.simulator.event("member", residence_id=home.family.residence_id, email="late@household.example")
        home.make_pass()

    after_step(step, meanwhile)
    one = move_out(home)

    assert sorted((item.kind, item.state) for item in not_gone(one)) == [("member", "left"), ("pass", "left")]
    assert record(one).left == 2
    after_step(step, lambda: None)
    again = beginning.try_again(ManagerFactory(), one, attempt=one.attempt)
    assert not not_gone(advancing.advance(again, seconds=30))
    assert home.accounts() == {home.own: "admin"}
    assert home.passes() == 0


def test_what_came_meanwhile_and_cannot_be_read_back_is_unknown(home, after_step):
    def meanwhile():
        home.make_pass()
        home.read()
        home.simulator.fault(PASSES, "status", status=500)

    after_step(MoveOutStep.MEMBERS, meanwhile)

    assert [(item.kind, item.state) for item in not_gone(move_out(home))] == [("pass", "unknown")]


def test_the_account_that_joined_to_own_the_family_is_nobody_who_leaves(simulator):
    home = household(simulator, people=4, auth="user")
    one = move_out(home)

    own = Member.objects.get(family=home.family, account_id=home.own)
    assert not one.items.filter(member=own).exists()


def test_who_is_named_again_after_the_record_is_left_and_stands_in_another_record(home, after_step, client):
    simulator = home.simulator
    simulator.fault(moving.REMOVE_MANY, "body", executes=False, body=answer({}))
    after_step(MoveOutStep.OWNERSHIP, lambda: simulator.fault(moving.INFO, "body", body=only_ours(home)))
    one = move_out(home)
    assert set(states(one, "member").values()) == {"gone"}

    simulator.clear_faults()
    home.read()
    assert notice_back() == 4
    assert notice_back() == 0

    assert set(states(one, "member").values()) == {"left"}
    manager = ManagerFactory()
    assert [row.left for row in list_unfinished(manager, 9)] == [4]
    assert (record(one).number, record(one).left, record(one).by_name) == (2, 4, "system")
    assert verify(one).is_valid
    client.force_login(manager)
    page = client.get(reverse("access:move_out_detail", args=[one.public_id])).content.decode()
    assert "4 things are left" in page


def test_passes_that_are_named_again_are_left_and_another_try_deletes_them(home):
    simulator = home.simulator
    simulator.fault(PASSES, "body", body=answer([]))
    one = move_out(home)
    assert set(states(one, "pass").values()) == {"gone"}
    assert home.sent()[0]["command"] == moving.REMOVE_MANY

    simulator.clear_faults()
    home.read()
    assert notice_back() == moving.PASSES

    assert record(one).left == moving.PASSES
    again = beginning.try_again(ManagerFactory(), one, attempt=one.attempt)
    assert not not_gone(advancing.advance(again, seconds=30))
    assert home.passes() == 0


def test_who_was_invited_or_added_here_again_came_anew(home):
    from families.services.members import adding

    leaves = home.members[0]
    one = move_out(home, None, leaves)
    adding.create_member(
        ManagerFactory(),
        family=home.family,
        first_name=leaves.first_name,
        last_name=leaves.last_name,
        email=leaves.email,
        auth="guest",
        press="again",
    )
    home.read()

    assert leaves.email in {member.email for member in home.members}
    assert notice_back() == 0
    assert set(states(one, "member").values()) == {"gone"}


@pytest.mark.parametrize(
    "columns", [{"reason": "invented"}, {"made_by_name": "Somebody"}, {"family_name": "Other"}], ids=str
)
def test_a_heading_that_differs_from_the_record_is_found(home, columns):
    one = move_out(home)
    MoveOut.objects.update(**columns)
    one.refresh_from_db()

    assert "differs from its text" in verify(one).reason


@pytest.mark.parametrize("columns", [{"left": 0}, {"gone": 99}, {"unknown": 3}], ids=str)
def test_numbers_that_differ_from_the_record_are_found(home, columns):
    home.simulator.fault(moving.REMOVE_MANY, "refuse")
    one = move_out(home)
    assert verify(one).is_valid
    MoveOutReading.objects.update(**columns)

    assert "what is gone, left and unknown" in verify(one).reason


def test_a_look_pressed_twice_keeps_one_record(home, client):
    one = move_out(home)
    client.force_login(ManagerFactory())
    page = client.get(reverse("access:move_out_detail", args=[one.public_id]))
    answers = [
        client.post(
            reverse("access:move_out_look", args=[one.public_id]),
            {"press": page.context["press"]},
            follow=True,
        )
        for _ in range(2)
    ]

    assert [reading.number for reading in one.readings.order_by("number")] == [1, 2]
    assert "too old" in answers[1].text


@pytest.mark.parametrize("other", ["looks", "tries"])
def test_a_look_that_comes_last_keeps_nothing_and_calls_nothing_left_that_is_about_to_be_tried(
    home, monkeypatch, other
):
    home.simulator.fault(moving.REMOVE_MANY, "refuse")
    one = move_out(home)
    home.simulator.clear_faults()
    manager, reads = ManagerFactory(), reading.read_members

    def meanwhile(family):
        monkeypatch.setattr(reading, "read_members", reads)
        if other == "looks":
            advancing.look_again(manager, one)
        else:
            beginning.try_again(manager, one, attempt=one.attempt)
        return reads(family)

    monkeypatch.setattr(reading, "read_members", meanwhile)
    advancing.look_again(manager, one)

    assert one.readings.count() == (2 if other == "looks" else 1)
    if other == "tries":
        assert set(states(one, "member").values()) == {"planned"}
        assert not not_gone(advancing.advance(one, seconds=30))


def test_a_grant_that_waits_with_a_paused_move_out_keeps_its_beginning(home, after_step):
    manager, lives_here = ManagerFactory(), home.admin_of(home.members[0])
    began = lives_here.grants.get().starts_at

    def switch_off():
        manager.is_active = False
        manager.save(update_fields=["is_active"])

    after_step(MoveOutStep.LOOK, switch_off)
    one = move_out(home, manager)

    assert home.sent() == []
    assert one.paused_at is not None
    assert states(one, "grant") == {f"{lives_here.name} ({lives_here.email})": "planned"}
    assert lives_here.grants.get().starts_at == began


def test_a_connection_that_its_owner_lets_go_on_is_left(home, client):
    person = home.admin_of(home.members[0])
    own = ConnectionFactory(owner=person, name="Of their own")
    one = move_out(home)
    assert set(states(one, "personal_connection").values()) == {"gone"}
    assert notice_back() == 0

    client.force_login(person)
    page = client.get(reverse("connections:own_connection"))
    client.post(reverse("connections:own_connection_continue"), {"press": token_in(page.text)})
    own.refresh_from_db()
    assert own.paused_at is None

    assert notice_back() == 1
    assert [(item.kind, item.words) for item in not_gone(one)] == [
        ("personal_connection", "They have let it go on since.")
    ]
    again = beginning.try_again(ManagerFactory(), one, attempt=one.attempt)
    assert not not_gone(advancing.advance(again, seconds=30))
