"""A batch with a bad row in it does what the setting says, and a fault can be one account's."""

import pytest

UPDATE, DELETE = "batch_update_family_account_auth", "batch_delete_family_account"


@pytest.fixture
def family(simulator):
    """A family with an owner of its own and two ordinary members."""
    return next(
        each
        for each in simulator.estate()["families"]
        if each["auth"] == "user"
        and sorted(member["auth"] for member in each["members"])[:3] == ["admin", "guest", "guest"]
    )


def of(family, auth):
    return [each["account_id"] for each in family["members"] if each["auth"] == auth]


def rights(wire, family):
    found = wire.result("get_family_info", residence_id=family["residence_id"])["accounts"]
    return {each["account_id"]: each["auth"] for each in found}


def batch(family, *accounts, auth=""):
    rows = [{"account_id": each, **({"auth": auth} if auth else {})} for each in accounts]
    return {"residence_id": family["residence_id"], "accounts": rows}


def test_rows_that_can_be_happen_and_the_refusal_names_the_others(simulator, wire, family):
    simulator.reset(batches="each")
    [owner], (guest, *_) = of(family, "admin"), of(family, "guest")

    answer = wire.post(UPDATE, **batch(family, guest, owner, "ar0", auth="user"))

    assert answer.status_code >= 400 or answer.json()["success"] is False
    assert f"not done for {owner}, ar0" in answer.text
    assert guest not in answer.text
    assert (rights(wire, family)[guest], rights(wire, family)[owner]) == ("user", "admin")
    [row] = simulator.journal(UPDATE)
    assert row["executed"] is True
    assert row["refused"].startswith("permission_denied")


def test_rows_that_can_be_happen_and_nobody_is_told_of_the_others(simulator, wire, family):
    simulator.reset(batches="each_silent")
    [owner], (guest, *_) = of(family, "admin"), of(family, "guest")

    wire.result(DELETE, **batch(family, guest, owner))

    assert guest not in rights(wire, family)
    assert owner in rights(wire, family)


def test_a_refusal_of_every_row_is_carried_out_for_none(simulator, wire, family):
    simulator.reset(batches="each")

    assert wire.refused(DELETE, **batch(family, "ar0")) == "account_not_found"


def test_single_commands_are_refused_as_ever(simulator, wire, family):
    simulator.reset(batches="each_silent")

    param = {"residence_id": family["residence_id"], "account_id": "ar0"}
    assert wire.refused("delete_family_account", **param) == "account_not_found"


def test_a_fault_can_be_one_accounts(simulator, wire, family):
    first, second, *_ = of(family, "guest")
    simulator.fault("*", "status", status=503, account_id=first)
    param = {"residence_id": family["residence_id"], "auth": "user"}

    assert wire.post("update_family_account_auth", account_id=first, **param).status_code == 503
    assert wire.post(UPDATE, **batch(family, second, first, auth="user")).status_code == 503
    assert wire.post("update_family_account_auth", account_id=second, **param).status_code == 200
    assert wire.post("get_family_info", residence_id=family["residence_id"]).status_code == 200


@pytest.mark.parametrize("batches", ["each", "each_silent"])
def test_an_accounts_refusal_is_its_row_alone_where_rows_go_by_themselves(simulator, wire, family, batches):
    simulator.reset(batches=batches)
    first, second, *_ = of(family, "guest")
    simulator.fault(DELETE, "refuse", account_id=first, words="Not this one")

    answer = wire.post(DELETE, **batch(family, second, first))

    assert ("Not this one" in answer.text) == (batches == "each")
    assert second not in rights(wire, family)
    assert first in rights(wire, family)


def test_an_accounts_refusal_is_the_whole_batchs_where_rows_go_together(simulator, wire, family):
    first, second, *_ = of(family, "guest")
    simulator.fault(DELETE, "refuse", account_id=first)

    assert wire.post(DELETE, **batch(family, second, first)).status_code in {200, 400}
    assert {first, second} <= set(rights(wire, family))


def test_batches_go_in_one_of_three_ways(simulator):
    with pytest.raises(AssertionError, match="400"):
        simulator.reset(batches="perhaps")
