"""Sending the forms of a family as somebody: what the tests of inviting and renaming share."""

from django.urls import reverse

from families.models import Family
from portal.web.presses import new_press
from tests.families.house import HTMX

INVITE = "invite_family_account"
RENAME = "update_family_info"
ANNA = "anna@example.org"


def invite_address(family: Family) -> str:
    return reverse("families:member_invite", args=[family.public_id])


def invite(client, user, family, email=ANNA, auth="guest", *, press="", headers=HTMX, **more: str):
    if "_auth_user_id" not in client.session:
        client.force_login(user)
    token = press or new_press(user.pk, f"invite:{family.public_id}")
    return client.post(
        invite_address(family), {"email": email, "auth": auth, "press": token, **more}, headers=headers
    )


def rename_address(family: Family) -> str:
    return reverse("families:family_rename", args=[family.public_id])


def rename(client, user, family, name="New name", *, press="", headers=HTMX):
    if "_auth_user_id" not in client.session:
        client.force_login(user)
    token = press or new_press(user.pk, f"rename:{family.public_id}")
    return client.post(rename_address(family), {"name": name, "press": token}, headers=headers)


def name_upstream(simulator, family) -> str:
    return simulator.family(residence_id=family.residence_id)["family_name"]
