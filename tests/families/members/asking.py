"""Sending the forms of members as somebody's browser."""

from typing import Any

from django.test import Client
from django.urls import reverse

from families.models import Family, Member
from portal.accounts.models import User
from portal.web.presses import new_press
from tests.families.house import HTMX

PLAIN: dict[str, str] = {}
BOTH = [HTMX, PLAIN]


def address(name: str, *things: Family | Member) -> str:
    return reverse(f"families:{name}", args=[thing.public_id for thing in things])


def post(
    client: Client,
    user: User,
    path: str,
    purpose: str,
    data: dict[str, Any],
    *,
    press: str = "",
    headers: Any,
) -> Any:
    if client.session.get("_auth_user_id") != str(user.pk):
        client.force_login(user)
    token = press or new_press(user.pk, purpose)
    return client.post(path, {"press": token, **data}, headers=headers)


def send_rights(client, user, member, auth="user", *, was=None, press="", headers=HTMX):
    data = {"auth": auth, "was": member.auth if was is None else was}
    path = address("member_rights", member.family, member)
    return post(client, user, path, f"rights:{member.public_id}", data, press=press, headers=headers)


def send_removal(client, user, member, *, press="", headers=PLAIN):
    path = address("member_remove", member.family, member)
    return post(client, user, path, f"remove:{member.public_id}", {}, press=press, headers=headers)


def send_rights_of_many(client, user, members, auth="user", *, was=None, press="", headers=PLAIN):
    family = members[0].family
    data = {"auth": auth, "member": [one.public_id for one in members]}
    data |= {f"was-{one.public_id}": (was or {}).get(one, one.auth) for one in members}
    path = address("member_rights_of_many", family)
    return post(client, user, path, f"rights-of-many:{family.public_id}", data, press=press, headers=headers)


def send_removal_of_many(client, user, members, *, press="", headers=PLAIN):
    family = members[0].family
    data = {"member": [one.public_id for one in members]}
    path = address("member_remove_many", family)
    return post(client, user, path, f"remove-many:{family.public_id}", data, press=press, headers=headers)
