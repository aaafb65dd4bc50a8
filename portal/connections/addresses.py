"""Addresses of an upstream: as people write them, and which of them may be called."""

import ipaddress
import re
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from portal.upstream import networks
from portal.upstream.resolving import resolve

# How long a name may take to be resolved while somebody waits for their form.
RESOLVING_SECONDS = 4.0
LONGEST = 300
_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalised(address: str) -> str:
    """The base address in one spelling: scheme and host in lower case, without a default port or a last slash.

    Raises ValueError saying what is wrong with it. Plain http goes to this machine only: the token is in it.
    """
    address = address.strip()
    if len(address) > LONGEST:
        raise ValueError(_("the address is longer than %d characters") % LONGEST)
    if not address.isprintable() or " " in address or "\\" in address:
        raise ValueError(_("the address holds a character that no address has"))
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise ValueError(_("the address cannot be read")) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(_("the address must begin with https:// and name a host"))
    if parts.username is not None or parts.password is not None:
        raise ValueError(_("the address must not hold a user name or password"))
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in address or "#" in address:
        raise ValueError(_("the address is that of the host alone, without a path or a query"))
    host = _host(parts.hostname)
    if port == 0:
        raise ValueError(_("the address has no possible port"))
    if parts.scheme == "http" and not _is_this_machine(host):
        raise ValueError(_("plain http is for this machine only: use https"))
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and port != _DEFAULT_PORTS[parts.scheme] else "")


class PrivateAddress(ValueError):
    """The address leads into a private network, which the settings do not allow; the text says so."""


def check_reach(base_url: str) -> None:
    """Nothing, if the address may be called from here; raises PrivateAddress where it leads into a private network.

    A name is resolved, in four seconds at most. One that cannot be is let pass: trying it says so. It is asked
    again for each connection that is opened, since a name may lead elsewhere by then.
    """
    host = urlsplit(base_url).hostname or ""
    try:
        found = resolve(host, 443, RESOLVING_SECONDS)
    except OSError:
        return
    if not all(may_be_connected(host, str(address[0])) for *_, address in found):
        raise PrivateAddress(_("the address leads into a private network, which is not allowed here"))


def may_be_connected(host: str, address: str) -> bool:
    """Whether a connection to ``host``, found at ``address``, may be opened: a public one, or one that is allowed.

    UPSTREAM_PRIVATE_HOSTS holds names, addresses and networks (10.1.0.0/16); "*" allows all, as in development.
    """
    allowed = [entry.strip().lower().rstrip(".") for entry in settings.UPSTREAM_PRIVATE_HOSTS]
    return (
        "*" in allowed
        or networks.is_public(address)
        or host.lower().rstrip(".") in allowed
        or any(networks.is_in(address, entry) for entry in allowed)
    )


def _host(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        name = name.lower().encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(_("the host's name is not a possible one")) from None
    # A last label of digits only would be read as a number by some resolvers, as an odd way to write an address.
    if len(name) > 253 or not _HOST_NAME.fullmatch(name) or name.rstrip(".").rpartition(".")[2].isdigit():
        raise ValueError(_("the host's name is not a possible one"))
    return name.rstrip(".")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
