"""Commands 1 to 12 change what the next question sees."""

import pytest


@pytest.fixture
def family(simulator):
    """A family that the organisation manages without owning it."""
    return next(
        each
        for each in simulator.estate()["families"]
        if each["auth"] == "user" and {"admin", "guest"} <= {member["auth"] for member in each["members"]}
    )


def member(family, auth):
    return next(
        each
        for each in family["members"]
        if each["auth"] == auth and each["email"] != "estate@gatehouse.example"
    )


def rights(wire, residence_id):
    found = wire.result("get_family_info", residence_id=residence_id)["accounts"]
    return {each["account_id"]: each["auth"] for each in found}


def test_the_list_is_the_accounts_own(simulator, wire, wire_of):
    rows = wire.result("get_family_list")
    assert len(rows) == 40
    assert {row["account_id"] for row in rows} == {simulator.sign_in["account_id"]}
    assert simulator.estate()["joinable"]["residence_id"] not in {row["residence_id"] for row in rows}
    assert wire_of("newcomer@post.example").result("get_family_list") == []


def test_another_accounts_family_does_not_exist(family, wire_of):
    stranger = wire_of("newcomer@post.example")
    assert stranger.refused("get_family_info", residence_id=family["residence_id"]) == "residence_not_found"


def test_a_family_is_renamed(family, wire):
    wire.result("update_family_info", residence_id=family["residence_id"], family_name="  Neu & <b>ü</b> 🏡")
    told = wire.result("get_family_info", residence_id=family["residence_id"])
    assert told["family_name"] == "  Neu & <b>ü</b> 🏡"
    assert any(row["family_name"] == told["family_name"] for row in wire.result("get_family_list"))
    name = "x" * 256
    assert wire.refused("update_family_info", residence_id=family["residence_id"], family_name=name)


def test_only_the_owner_hands_the_family_over(simulator, family, wire):
    taker = member(family, "guest")["account_id"]
    rid = family["residence_id"]
    assert wire.refused("change_family_admin", residence_id=rid, account_id=taker) == "permission_denied"
    owned = simulator.family(auth="admin")
    rid, taker = owned["residence_id"], member(owned, "guest")["account_id"]
    assert wire.refused("change_family_admin", residence_id=rid, account_id="ar0") == "account_not_found"
    wire.result("change_family_admin", residence_id=rid, account_id=taker)
    assert rights(wire, rid)[taker] == "admin"
    assert rights(wire, rid)[simulator.sign_in["account_id"]] == "user"


def test_an_invitation_shows_only_when_it_is_accepted(simulator, family, wire):
    rid, email = family["residence_id"], "aunt.may@post.example"
    before = rights(wire, rid)
    wire.result("invite_family_account", residence_id=rid, email=email, auth="guest")
    assert rights(wire, rid) == before
    simulator.event("member", residence_id=rid, email=email)
    told = wire.result("get_family_info", residence_id=rid)["accounts"][-1]
    assert (told["email"], told["first_name"], told["last_name"], told["auth"]) == (
        email,
        "Aunt",
        "May",
        "guest",
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"auth": "admin"}, "invalid_value"),
        ({"auth": "owner"}, "invalid_value"),
        ({"email": "no address"}, "invalid_value"),
        ({"email": "a@b.example\nBcc: c@d.example"}, "invalid_value"),
        ({"email": "a@b.example,c@d.example"}, "invalid_value"),
    ],
)
def test_an_invitation_with_wrong_values_is_refused(changes, why, family, wire):
    param = {"residence_id": family["residence_id"], "email": "a@b.example", "auth": "user", **changes}
    assert wire.refused("invite_family_account", **param) == why


def test_joining_takes_an_invitation_with_these_rights(simulator, family, wire, wire_of):
    rid = simulator.estate()["joinable"]["residence_id"]
    assert wire.refused("account_join_family", residence_id=rid, auth="guest") == "not_invited"
    wire.result("account_join_family", residence_id=rid, auth="user")
    assert rights(wire, rid)[simulator.sign_in["account_id"]] == "user"
    assert wire.refused("account_join_family", residence_id=rid, auth="user") == "account_exists"
    newcomer = wire_of("newcomer@post.example")
    assert newcomer.refused("account_join_family", residence_id=rid, auth="guest") == "not_invited"
    param = {"residence_id": family["residence_id"], "auth": "guest"}
    wire.result("invite_family_account", email="Newcomer@post.example", **param)
    newcomer.result("account_join_family", **param)
    assert len(newcomer.result("get_family_list")) == 1


def test_an_account_is_created_and_can_sign_in(simulator, family, wire, wire_of):
    rid = family["residence_id"]
    param = {"residence_id": rid, "first_name": "Zoë", "last_name": "", "email": "zoe@post.example"}
    made = wire.result("create_family_account", auth="user", password="CANARYzoe", **param)
    assert rights(wire, rid)[made["account_id"]] == "user"
    assert len(wire_of("zoe@post.example").result("get_family_list")) == 1
    assert simulator.sign_in_of("zoe@post.example")["password"] == "CANARYzoe"
    assert "CANARYzoe" in simulator.canaries()
    assert wire.refused("create_family_account", auth="user", **param) == "account_exists"
    assert wire.refused("create_family_account", auth="admin", **{**param, "email": "b@c.example"})


def test_rights_change_one_by_one_and_in_batches_that_are_all_or_nothing(family, wire):
    rid, guest, owner = family["residence_id"], member(family, "guest"), member(family, "admin")
    wire.result("update_family_account_auth", residence_id=rid, account_id=guest["account_id"], auth="user")
    assert rights(wire, rid)[guest["account_id"]] == "user"
    back = {"account_id": guest["account_id"], "auth": "guest"}
    for wrong, why in [
        ({"account_id": "ar0", "auth": "guest"}, "account_not_found"),
        ({"account_id": owner["account_id"], "auth": "guest"}, "permission_denied"),
    ]:
        batch = {"residence_id": rid, "accounts": [back, wrong]}
        assert wire.refused("batch_update_family_account_auth", **batch) == why
        assert rights(wire, rid)[guest["account_id"]] == "user"
    wire.result("batch_update_family_account_auth", residence_id=rid, accounts=[back])
    assert rights(wire, rid)[guest["account_id"]] == "guest"


def test_accounts_are_deleted_one_by_one_and_in_batches(family, wire):
    rid, guest, owner = family["residence_id"], member(family, "guest"), member(family, "admin")
    wire.result("delete_family_account", residence_id=rid, account_id=guest["account_id"])
    assert guest["account_id"] not in rights(wire, rid)
    account_id = guest["account_id"]
    assert (
        wire.refused("delete_family_account", residence_id=rid, account_id=account_id) == "account_not_found"
    )
    made = wire.result(
        "create_family_account",
        residence_id=rid,
        first_name="A",
        last_name="B",
        email="a@b.example",
        auth="guest",
    )
    accounts = [{"account_id": made["account_id"]}, {"account_id": owner["account_id"]}]
    assert (
        wire.refused("batch_delete_family_account", residence_id=rid, accounts=accounts)
        == "permission_denied"
    )
    assert made["account_id"] in rights(wire, rid)
    wire.result("batch_delete_family_account", residence_id=rid, accounts=accounts[:1])
    assert made["account_id"] not in rights(wire, rid)


def test_an_ordinary_member_may_not_manage(simulator, wire):
    rid = simulator.family(auth="guest")["residence_id"]
    assert wire.refused("update_family_info", residence_id=rid, family_name="x") == "permission_denied"
    assert wire.result("get_family_info", residence_id=rid)


def test_the_remote_address_says_whether_the_family_is_online(simulator, wire):
    for is_online in (True, False):
        rid = simulator.family(online=is_online)["residence_id"]
        told = wire.result("get_family_remote_connect", residence_id=rid)
        assert told["online"] is is_online
        assert told["remote_connect_url"] in simulator.canaries()


def test_things_happen_outside_the_portal(simulator, family, wire):
    rid, guest = family["residence_id"], member(family, "guest")["account_id"]
    simulator.event("member", residence_id=rid, account_id=guest, auth="user")
    assert rights(wire, rid)[guest] == "user"
    simulator.event("member", residence_id=rid, account_id=guest, removed=True)
    assert guest not in rights(wire, rid)
    simulator.event("family", residence_id=rid, online=False, family_name="Away")
    told = wire.result("get_family_info", residence_id=rid)
    assert (told["online"], told["family_name"]) == (False, "Away")
    simulator.event("family", residence_id=rid, is_gone=True)
    assert len(wire.result("get_family_list")) == 39
    assert wire.refused("get_family_info", residence_id=rid) == "residence_not_found"
    simulator.event("family", residence_id=rid, is_gone=False)
    assert len(wire.result("get_family_list")) == 40
