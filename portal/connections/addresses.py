"""Addresses of an upstream, as an operator writes them."""

import ipaddress
import re
from urllib.parse import urlsplit

LONGEST = 300
_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalised(address: str) -> str:
    """The base address in one spelling: scheme and host in lower case, without a default port or a last slash.

    Raises ValueError saying what is wrong with it. Plain http goes to this machine only: the token is in it.
    """
    address = address.strip()
    if len(address) > LONGEST:
        raise ValueError(f"the address is longer than {LONGEST} characters")
    if not address.isprintable() or " " in address or "\\" in address:
        raise ValueError("the address holds a character that no address has")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise ValueError("the address cannot be read") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("the address must begin with https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address must not hold a user name or password")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in address or "#" in address:
        raise ValueError("the address is that of the host alone, without a path or a query")
    host = _host(parts.hostname)
    if port == 0:
        raise ValueError("the address has no possible port")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise ValueError("plain http is for this machine only: use https")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port and port != _DEFAULT_PORTS[parts.scheme] else "")


def _host(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        name = name.lower().encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("the host's name is not a possible one") from None
    # A last label of digits only would be read as a number by some resolvers, as an odd way to write an address.
    if len(name) > 253 or not _HOST_NAME.fullmatch(name) or name.rstrip(".").rpartition(".")[2].isdigit():
        raise ValueError("the host's name is not a possible one")
    return name.rstrip(".")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
