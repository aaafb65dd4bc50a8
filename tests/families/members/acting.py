"""What the tests of members' actions begin with: whose they are, and what is true at the upstream."""

import secrets
from typing import Any

from families.models import Family, Member, Rights
from families.services.members import adding, changing, handing, joining, removing
from families.services.members.batches import Batch
from portal.accounts.models import User
from portal.connections.calling import Performed
from tests.plugins.simulator import SimulatorProcess

RIGHTS = "update_family_account_auth"
RIGHTS_OF_MANY = "batch_update_family_account_auth"
REMOVE = "delete_family_account"
REMOVE_MANY = "batch_delete_family_account"
CREATE = "create_family_account"
JOIN = "account_join_family"
HAND_OVER = "change_family_admin"
ZOE = {"first_name": "Zoë", "last_name": "Lima", "email": "zoe@post.example"}


def guests(family: Family) -> list[Member]:
    """Its ordinary members."""
    return list(family.members.filter(auth=Rights.GUEST, gone_at=None).order_by("pk"))


def rights_upstream(simulator: SimulatorProcess, family: Family) -> dict[str, str]:
    """What each account may do, as the upstream has it."""
    told = simulator.family(residence_id=family.residence_id)["members"]
    return {member["account_id"]: member["auth"] for member in told}


def press() -> str:
    """A press of its own."""
    return secrets.token_urlsafe(16)


def raise_to(actor: User, member: Member, auth: str = "user", **more: Any) -> Performed:
    given = {"was": member.auth, "press": press(), **more}
    return changing.change_rights(actor, member=member, auth=auth, **given)


def raise_all(actor: User, members: list[Member], auth: str = "user", **more: Any) -> Batch:
    wanted = dict.fromkeys(members, auth)
    given = {"press": press(), **more}
    return changing.change_rights_of_many(actor, family=members[0].family, wanted=wanted, **given)


def remove(actor: User, member: Member, **more: Any) -> Performed:
    return removing.remove_member(actor, member=member, **{"press": press(), **more})


def remove_all(actor: User, members: list[Member], **more: Any) -> Batch:
    given = {"press": press(), **more}
    return removing.remove_members(actor, family=members[0].family, members=members, **given)


def create(actor: User, family: Family, **more: Any) -> Performed:
    given = {**ZOE, "auth": "guest", "press": press(), **more}
    return adding.create_member(actor, family=family, **given)


def hand_over(actor: User, member: Member, **more: Any) -> Performed:
    return handing.hand_over(actor, member=member, **{"press": press(), **more})


def join(actor: User, connection: Any, residence_id: str, **more: Any) -> Performed:
    given = {"auth": "user", "press": press(), **more}
    return joining.join_family(actor, connection=connection, residence_id=residence_id, **given)
