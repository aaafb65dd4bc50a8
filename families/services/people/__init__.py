"""Who uses the portal, as what, and what they reach: each change checks the right of whoever asks, and is audited."""

from families.services.people.changing import (
    NotJoined,
    change_person,
    reset_second_factor,
    switch_off,
    switch_on,
)
from families.services.people.granting import (
    GrantOver,
    GrantThere,
    begin_grants,
    change_grant,
    end_grant,
)
from families.services.people.inviting import (
    AlreadyThere,
    HasJoined,
    Sent,
    invite_person,
    resend_invitation,
    revoke_invitation,
)
from families.services.people.members import find_right_to_invite, invite_member
from families.services.people.rights import Gone
from families.services.people.setting import Wanted, set_person
from families.services.people.standing import Standing, Term, TermRefused, first_day, last_day

__all__ = [
    "AlreadyThere",
    "Gone",
    "GrantOver",
    "GrantThere",
    "HasJoined",
    "NotJoined",
    "Sent",
    "Standing",
    "Term",
    "TermRefused",
    "Wanted",
    "begin_grants",
    "change_grant",
    "change_person",
    "end_grant",
    "find_right_to_invite",
    "first_day",
    "invite_member",
    "invite_person",
    "last_day",
    "resend_invitation",
    "reset_second_factor",
    "revoke_invitation",
    "set_person",
    "switch_off",
    "switch_on",
]
