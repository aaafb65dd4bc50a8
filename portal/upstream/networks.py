"""Which addresses on the network may be connected to."""

import ipaddress
from collections.abc import Callable
from typing import Any

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _anything(host: str, address: str) -> bool:
    return True


_permit: Callable[[str, str], bool] = _anything


def permit_only(check: Callable[[str, str], bool]) -> None:
    """From now on ``check`` is asked, for each host, about each address that its name leads to.

    Design decision: one rule for the process, set once at its start. A parameter of every call could be forgotten
    at one of them, and then a name could lead anywhere.
    """
    global _permit
    _permit = check


def is_permitted(host: str, address: str) -> bool:
    """Whether a connection to ``host``, found at ``address``, may be opened."""
    return _permit(host, address)


def is_loopback(address: str) -> bool:
    """Whether it is this machine, written in any way."""
    found = _parse(address)
    return bool(found.is_loopback or _embedded(found).is_loopback)


def is_public(address: str) -> bool:
    """Whether it is an address of the public internet, and stands for no other one that is not."""
    real = _embedded(_parse(address))
    return bool(
        real.is_global
        and not real.is_multicast
        and not real.is_reserved
        and not real.is_unspecified
        and not (real.version == 6 and real.is_site_local)
    )


def is_in(address: str, network: str) -> bool:
    """Whether the address is this one, or in this network; False where ``network`` is neither."""
    try:
        found = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
    one = _parse(address)
    return one in found or _embedded(one) in found


def _parse(address: str) -> Any:
    return ipaddress.ip_address(address.partition("%")[0])


def _embedded(address: Any) -> Any:
    """The IPv4 address that an IPv6 one stands for, in any of the ways there are; else the address itself."""
    if address.version == 4:
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address
