"""What the tests of the people's pages share."""

import re

from django.urls import reverse

from families.models import Grant, PropertyLimit
from portal.accounts.models import Invitation, User
from tests.families.house import token_in


def address(name: str, *objects, **query: str) -> str:
    """The address of a page of people: ``address("person_detail", person)``."""
    return reverse(f"families:{name}", args=[one.public_id for one in objects], query=query or None)


def invite(client, headers=None, *, press: str = "", **fields):
    """Send the form that invites somebody, with a fresh token unless given one."""
    press = press or token_in(client.get(address("person_invite")).text)
    typed = {"email": "ana@gatehouse.example", "role": "manager", "reach": "everything", "press": press}
    return client.post(address("person_invite"), typed | fields, headers=headers or {})


def everything() -> list[object]:
    """All that a change of people could change."""
    rows = (User, Invitation, PropertyLimit, Grant)
    return [sorted(map(str, row.objects.values_list())) for row in rows]


def link_in(text: str) -> str:
    """The path of the invitation's link that a page or a mail tells; "" where it tells none."""
    found = re.search(r"/join/[\w-]{43}/", text)
    return found[0] if found else ""
