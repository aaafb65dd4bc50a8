"""The way to a family's own panel, asked of the upstream when somebody wants to go there, and kept nowhere."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied

from families.models import Family
from families.services.acting import NoConnection, may_act_in, reach_of
from portal.accounts.models import User
from portal.audit.trail import About, By
from portal.connections import calling
from portal.connections.calling import Action
from portal.upstream.answers import Answer
from portal.upstream.client import Client
from portal.upstream.types import RemoteConnect

PANEL_COMMAND = "get_family_remote_connect"
PANEL_EVENT = "family.remote_connect"
SCHEMES = ("https", "http")
# Longer than any address of a browser's own line.
LONGEST_ADDRESS = 2000


class NotAnAddress(Exception):
    """The upstream named nothing that a browser may be sent to. ``scheme`` is what it begins with, "" for none."""

    def __init__(self, scheme: str) -> None:
        super().__init__(scheme)
        self.scheme = scheme


@dataclass(frozen=True)
class Panel:
    """Where a family's panel is now. Whoever has ``address`` can come in: it is shown once and written nowhere."""

    address: str = field(repr=False)
    is_online: bool

    @property
    def host(self) -> str:
        """The host that the address leads to, for the reader's own judgement."""
        return urlsplit(self.address).netloc

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can read along."""
        return urlsplit(self.address).scheme == "https"


def ask_for_panel(actor: User, *, family: Family) -> Panel:
    """Where the family's panel can be opened now, on behalf of ``actor``, a manager; the trail says so first.

    ``family`` was fetched through ``visible_to(actor)``. Raises PermissionDenied, NoConnection and
    trail.AuditUnavailable: nothing was asked then; every UpstreamError of a read; and NotAnAddress. Cost: 1 upstream
    call (get_family_remote_connect).
    """
    may_act_in(actor, family)
    if not actor.is_manager:
        raise PermissionDenied
    if family.gone_at is not None:
        raise NoConnection
    reach = reach_of(family)
    answer = calling.read(
        By.person(actor),
        reach.connection,
        Action(
            PANEL_COMMAND,
            PANEL_EVENT,
            About(family.pk, family.name, "family", family.public_id, family.name),
        ),
        lambda client, command_id: _ask(client, family, command_id),
        reveals=True,
    )
    return Panel(_checked(answer.result.remote_connect_url), is_online=answer.result.online)


def _ask(client: Client, family: Family, command_id: str) -> Answer[RemoteConnect]:
    answer = client.get_family_remote_connect(residence_id=family.residence_id, command_id=command_id)
    # Read here: an answer that cannot be understood is then what the trail says of it.
    _ = answer.result
    return answer


def _checked(address: str) -> str:
    """The address, if a browser may be sent there; raises NotAnAddress.

    Nothing is mended: a browser drops line breaks and takes a backslash for a slash, so what is not plain is refused.
    """
    scheme = address.partition(":")[0].strip().lower()[:20] if ":" in address else ""
    is_plain = address.isascii() and address.isprintable() and not set(address) & set(' \\"<>')
    if scheme not in SCHEMES or not is_plain or len(address) > LONGEST_ADDRESS:
        raise NotAnAddress(scheme)
    try:
        parts = urlsplit(address)
        is_whole = bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        is_whole = False
    if not is_whole or "@" in parts.netloc or not address.lower().startswith(f"{scheme}://"):
        raise NotAnAddress(scheme)
    return address
