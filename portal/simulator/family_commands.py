"""Commands 1 to 12: families and the people in them."""

import re
from collections.abc import Callable
from typing import Any

from .caller import Caller
from .estate import Family, make_person
from .rows import remote_address, tell_person
from .wire import Refused


def get_family_list(caller: Caller, param: Any) -> Any:
    return [
        {
            "account_id": caller.account_id,
            "residence_id": family.residence_id,
            "family_name": family.family_name,
            "online": family.online,
            "installed": family.installed,
        }
        for family in caller.world.families_of(caller.account_id)
    ]


def get_family_info(caller: Caller, param: Any) -> Any:
    """Assumption: the owner is among the accounts. To check: ask for a family one owns."""
    family = caller.family(param)
    people = caller.world.estate.people
    return {
        "family_name": family.family_name,
        "online": family.online,
        "installed": family.installed,
        "accounts": [tell_person(people[each], auth) for each, auth in family.accounts.items()],
    }


def update_family_info(caller: Caller, param: Any) -> Any:
    family = _administered(caller, param)
    if len(param["family_name"]) > 255:
        raise Refused("invalid_value", "family_name is longer than 255 characters")
    family.family_name = param["family_name"]
    return {}


def change_family_admin(caller: Caller, param: Any) -> Any:
    """Assumption: only the owner may pass the family on, and is an administrator afterwards. To check: as owner,
    pass it to a member, and read the family back."""
    family = caller.family(param)
    if family.accounts[caller.account_id] != "admin":
        raise Refused("permission_denied", "Only the owner of the family may hand it over", 403)
    _member(family, param["account_id"])
    family.accounts[caller.account_id] = "user"
    family.accounts[param["account_id"]] = "admin"
    return {}


def invite_family_account(caller: Caller, param: Any) -> Any:
    """Assumption: a pending invitation shows nowhere until it is accepted. To check: invite, then read."""
    family = _administered(caller, param)
    _assignable(param["auth"])
    _email(param["email"])
    invited = caller.world.person_by_email(param["email"])
    if invited and invited.account_id in family.accounts:
        raise Refused("account_exists", "This account is in the family already", 409)
    family.invitations[param["email"]] = param["auth"]
    return {}


def account_join_family(caller: Caller, param: Any) -> Any:
    """Assumption: joining needs an invitation to the account's address, with the rights offered in it. To check:
    join a family that has not invited the account."""
    _assignable(param["auth"])
    family = caller.world.estate.families.get(param["residence_id"])
    if family is None or family.is_gone:
        raise Refused("residence_not_found", "The residence does not exist", 404)
    if caller.account_id in family.accounts:
        raise Refused("account_exists", "This account is in the family already", 409)
    email = caller.world.estate.people[caller.account_id].email.casefold()
    invitation = next((each for each in family.invitations if each.casefold() == email), None)
    if invitation is None or family.invitations[invitation] != param["auth"]:
        raise Refused("not_invited", "The family has not invited this account with these rights", 403)
    del family.invitations[invitation]
    family.accounts[caller.account_id] = param["auth"]
    return {}


def create_family_account(caller: Caller, param: Any) -> Any:
    family = _administered(caller, param)
    _assignable(param["auth"])
    _email(param["email"])
    person = caller.world.person_by_email(param["email"])
    if person and person.account_id in family.accounts:
        raise Refused("account_exists", "This account is in the family already", 409)
    if person is None:
        seed = caller.world.settings.seed
        person = make_person(seed, param["first_name"], param["last_name"], param["email"])
        if "password" in param:
            person.password = param["password"]
            caller.world.secrets[person.password] = "password"
        caller.world.estate.people[person.account_id] = person
    family.accounts[person.account_id] = param["auth"]
    return {"account_id": person.account_id}


def update_family_account_auth(caller: Caller, param: Any) -> Any:
    return _change_rights(caller, param, [param])


def batch_update_family_account_auth(caller: Caller, param: Any) -> Any:
    return _change_rights(caller, param, param["accounts"], is_batch=True)


def delete_family_account(caller: Caller, param: Any) -> Any:
    return _remove(caller, param, [param])


def batch_delete_family_account(caller: Caller, param: Any) -> Any:
    return _remove(caller, param, param["accounts"], is_batch=True)


def get_family_remote_connect(caller: Caller, param: Any) -> Any:
    family = caller.family(param)
    return {"remote_connect_url": remote_address(caller.world, family), "online": family.online}


def _administered(caller: Caller, param: Any) -> Family:
    """Assumption: an ordinary member may not manage a family. To check: call as guest."""
    family = caller.family(param)
    if family.accounts[caller.account_id] not in ("admin", "user"):
        raise Refused("permission_denied", "An ordinary member may not do this", 403)
    return family


def _member(family: Family, account_id: str) -> str:
    if account_id not in family.accounts:
        raise Refused("account_not_found", "The account is not in this family", 404)
    return family.accounts[account_id]


def _assignable(auth: str) -> None:
    if auth not in ("user", "guest"):
        raise Refused("invalid_value", "auth must be user or guest")


def _email(text: str) -> None:
    if not re.fullmatch(r"[^\s@,;<>\"]{1,64}@[^\s@,;<>\"]{1,190}", text):
        raise Refused("invalid_value", "email is not an e-mail address")


def _change_rights(caller: Caller, param: Any, wanted: list[Any], *, is_batch: bool = False) -> Any:
    """Assumption: the owner's rights can only be passed on. To check: change the owner's."""
    family = _administered(caller, param)

    def check(row: Any) -> None:
        _assignable(row["auth"])
        if _member(family, row["account_id"]) == "admin":
            raise Refused("permission_denied", "The rights of the owner cannot be changed", 403)

    def change(row: Any) -> None:
        family.accounts[row["account_id"]] = row["auth"]

    return _carry_out(caller, wanted, check, change, is_batch=is_batch)


def _remove(caller: Caller, param: Any, wanted: list[Any], *, is_batch: bool = False) -> Any:
    """Assumption: the owner cannot be removed, but one may leave. To check: remove the owner; remove oneself."""
    family = _administered(caller, param)

    def check(row: Any) -> None:
        if _member(family, row["account_id"]) == "admin":
            raise Refused("permission_denied", "The owner cannot be removed", 403)

    def remove(row: Any) -> None:
        family.accounts.pop(row["account_id"], None)
        caller.world.credentials.pop((row["account_id"], family.residence_id), None)

    return _carry_out(caller, wanted, check, remove, is_batch=is_batch)


def _carry_out(
    caller: Caller,
    rows: list[Any],
    check: Callable[[Any], None],
    act: Callable[[Any], None],
    *,
    is_batch: bool,
) -> Any:
    """Assumption: a batch is all or nothing, unless the setting ``batches`` says otherwise. To check: a batch with an
    unknown account among known ones; then read the family."""
    by_rows = is_batch and caller.world.settings.batches != "together"
    bad: dict[str, Refused] = {}
    for row in rows:
        try:
            if row["account_id"] in caller.refuses:
                raise caller.refuses[row["account_id"]]
            check(row)
        except Refused as error:
            if not by_rows:
                raise
            bad[row["account_id"]] = error
    done = [row for row in rows if row["account_id"] not in bad]
    for row in done:
        act(row)
    if bad and caller.world.settings.batches == "each":
        first = next(iter(bad.values()))
        words = f"{first.words} (not done for {', '.join(bad)})"
        raise Refused(first.code, words, first.status, did_some=bool(done))
    return {}


BATCHES = frozenset({"batch_update_family_account_auth", "batch_delete_family_account"})
HANDLERS = {
    "get_family_list": get_family_list,
    "get_family_info": get_family_info,
    "update_family_info": update_family_info,
    "change_family_admin": change_family_admin,
    "invite_family_account": invite_family_account,
    "account_join_family": account_join_family,
    "create_family_account": create_family_account,
    "update_family_account_auth": update_family_account_auth,
    "batch_update_family_account_auth": batch_update_family_account_auth,
    "delete_family_account": delete_family_account,
    "batch_delete_family_account": batch_delete_family_account,
    "get_family_remote_connect": get_family_remote_connect,
}
