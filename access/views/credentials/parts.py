"""What the views of credentials share: whose they are, what their templates take, and how they answer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from access.models import Credential, CredentialKind, Holder
from access.selectors import credentials as selectors
from access.selectors.credentials import Account
from access.services.credentials.revealing import Revealed
from families.models import Family, Reach
from families.views import frame
from families.views.outcomes import Outcome, say
from portal.accounts.requests import SignedInRequest
from portal.web.pages import lead, wants_fragment
from portal.web.presses import new_press, read_press

SWITCHES = (CredentialKind.NFC, CredentialKind.BLUETOOTH)
CODES = (CredentialKind.PIN, *SWITCHES)


@dataclass(frozen=True)
class Slot:
    """Where a code is masked, or shown: then ``code`` is not None, and "" where there is none."""

    holder: str
    kind: CredentialKind
    url: str
    code: str | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        return f"code-{self.holder}-{self.kind}"


@dataclass(frozen=True)
class Row:
    """A credential of an account as its page shows it; ``slot`` is None where it has no code."""

    kind: CredentialKind
    known: Credential | None
    press: str
    slot: Slot | None

    @property
    def is_switch(self) -> bool:
        return self.kind in SWITCHES

    @property
    def may_show(self) -> bool:
        """Whether there may be a code to see."""
        return self.slot is not None and (
            self.slot.code is not None or self.known is None or self.known.is_there
        )


@dataclass(frozen=True)
class Card:
    """An account with its credentials."""

    account: Account
    rows: list[Row]


def holder_in(fields: Mapping[str, str]) -> str:
    """Whose account a form or an address names; "" for none that there is."""
    holder = fields.get("account", "")
    return holder if holder in Holder.values else ""


def purpose_of(family: Family, reach: Reach, what: str) -> str:
    """What a press is signed for: an action on this account of the family. The upstream's id does not stand in it."""
    account = hashlib.sha256(f"{reach.pk}:{reach.account_id}".encode()).hexdigest()[:16]
    return f"credential:{what}:{family.public_id}:{account}"


def read_press_on(request: SignedInRequest, family: Family, reach: Reach, what: str) -> str:
    """The name of the press that was sent; raises PressInvalid."""
    return read_press(request.POST.get("press", ""), request.user.id, purpose_of(family, reach, what))


def form_context(request: SignedInRequest, family: Family, holder: str, reach: Reach) -> dict[str, Any]:
    """What the page of one form takes: whose account it is about, and the way back."""
    return {
        "family": family,
        "holder": holder,
        "is_own": holder == Holder.OWN,
        "account_name": selectors.name_of(reach),
        "connection_name": reach.connection.name,
        "back_url": reverse("access:credential_list", args=[family.public_id]),
    }


def list_context(
    request: SignedInRequest, family: Family, revealed: Revealed | None = None
) -> dict[str, Any]:
    """What access/_credential_list.html takes."""
    accounts = selectors.list_accounts(request.user, family)
    own = selectors.find_own_connection(request.user)
    return {
        "family": family,
        "cards": [_card(request, family, account, revealed) for account in accounts],
        "has_own": any(account.holder == Holder.OWN for account in accounts),
        "own_connection": own,
        "own_is_usable": own is not None and selectors.is_usable(own),
        "own_url": reverse("connections:own_connection"),
        "face_kind": CredentialKind.FACE,
        "pin_kind": CredentialKind.PIN,
    }


def show_list(
    request: SignedInRequest,
    family: Family,
    outcome: Outcome | None = None,
    *,
    revealed: Revealed | None = None,
    status: int = 200,
) -> HttpResponse:
    """The tab of a family's credentials, and above it what became of what was sent, if anything was."""
    context = list_context(request, family, revealed)
    if outcome is not None:
        status = outcome.status
        context["notices"] = [outcome.notice]
    return frame.render_tab(
        request, family, frame.CREDENTIALS, "access/_credential_list.html", context, status=status
    )


def answer(request: SignedInRequest, family: Family, outcome: Outcome) -> HttpResponse:
    """What became of a form of the list: the list as it is now, and the words; without a script back to the page."""
    if wants_fragment(request):
        context = list_context(request, family) | {"outcome": outcome}
        return render(request, "access/_credential_answered.html", context, status=outcome.status)
    if outcome.is_done:
        return leave(request, family, outcome)
    return show_list(request, family, outcome)


def leave(request: SignedInRequest, family: Family, outcome: Outcome) -> HttpResponse:
    """It is done: the browser goes to the family's credentials, where it is said."""
    say(request, outcome)
    return lead(request, reverse("access:credential_list", args=[family.public_id]))


def _card(request: SignedInRequest, family: Family, account: Account, revealed: Revealed | None) -> Card:
    url = reverse("access:credential_reveal", args=[family.public_id])
    rows = []
    for kind in CredentialKind:
        is_shown = revealed is not None and (revealed.holder, revealed.kind) == (account.holder, kind)
        code = revealed.code if revealed is not None and is_shown else None
        press = (
            new_press(request.user.id, purpose_of(family, account.reach, kind))
            if kind != CredentialKind.PIN
            else ""
        )
        slot = Slot(account.holder, kind, url, code) if kind in CODES else None
        rows.append(Row(kind, account.known.get(kind), press, slot))
    return Card(account, rows)
