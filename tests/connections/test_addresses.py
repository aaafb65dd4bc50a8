"""Where a connection may lead: never into a private network that the settings do not allow."""

import socket
from typing import Any

import pytest

from portal.connections import addresses
from portal.connections.addresses import PrivateAddress
from portal.upstream.client import Client, StaticToken
from portal.upstream.errors import UpstreamUnavailable
from tests.plugins.simulator import SimulatorProcess

PRIVATE = [
    "10.0.0.1",
    "172.16.9.9",
    "192.168.1.1",
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the resolver says of names; everything else it is asked as always."""
    told: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolver(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host not in told:
            return real(host, port, *args, **options)
        if options.get("flags"):
            raise socket.gaierror("a name")
        address = told[host].pop(0) if len(told[host]) > 1 else told[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    return told


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_however_it_is_written(address: str, settings: Any) -> None:
    settings.UPSTREAM_PRIVATE_HOSTS = []
    assert not addresses.may_be_connected("host.example", address)


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909"])
def test_a_public_address_is_not(address: str, settings: Any) -> None:
    settings.UPSTREAM_PRIVATE_HOSTS = []
    assert addresses.may_be_connected("host.example", address)


@pytest.mark.parametrize(
    "allowed",
    [["*"], ["Intercom.Lan"], ["intercom.lan."], ["10.1.2.3"], ["10.1.0.0/16"], ["x.example", " 10.1.2.3 "]],
)
def test_what_the_settings_allow_may_be_private(allowed: list[str], settings: Any) -> None:
    settings.UPSTREAM_PRIVATE_HOSTS = allowed
    assert addresses.may_be_connected("intercom.lan", "10.1.2.3")


@pytest.mark.parametrize(
    "allowed", [["intercom"], ["lan"], ["10.1.2"], ["10.1.3.0/24"], [""], ["nonsense/9"]]
)
def test_what_is_not_quite_allowed_is_refused(allowed: list[str], settings: Any) -> None:
    settings.UPSTREAM_PRIVATE_HOSTS = allowed
    assert not addresses.may_be_connected("intercom.lan", "10.1.2.3")


@pytest.mark.parametrize("url", ["https://10.0.0.1", "https://[::ffff:10.0.0.1]:8443", "https://[fe80::1]"])
def test_a_literal_private_address_is_told_before_anything_is_tried(url: str, settings: Any) -> None:
    settings.UPSTREAM_PRIVATE_HOSTS = []
    with pytest.raises(PrivateAddress, match="private network"):
        addresses.check_reach(addresses.normalised(url))


def test_a_name_that_leads_to_one_is_told_too(names: dict[str, list[str]], settings: Any) -> None:
    settings.UPSTREAM_PRIVATE_HOSTS = []
    names["cloud.example"] = ["192.168.7.7"]
    with pytest.raises(PrivateAddress):
        addresses.check_reach("https://cloud.example")
    names["cloud.example"] = ["9.9.9.9"]
    addresses.check_reach("https://cloud.example")


def test_a_name_that_is_not_found_is_left_to_the_try(settings: Any) -> None:
    settings.UPSTREAM_PRIVATE_HOSTS = []
    addresses.check_reach("https://no-such-host.invalid")


def test_a_name_that_leads_elsewhere_by_the_time_of_the_call_is_not_connected_to(
    simulator: SimulatorProcess, names: dict[str, list[str]], settings: Any
) -> None:
    settings.UPSTREAM_PRIVATE_HOSTS = []
    names["cloud.example"] = ["9.9.9.9", "127.0.0.1"]
    addresses.check_reach("https://cloud.example")
    client = Client(f"http://cloud.example:{simulator.port}", StaticToken(simulator.token))
    with pytest.raises(UpstreamUnavailable, match="not permitted") as caught:
        client.get_family_list()
    assert not caught.value.sent
    assert simulator.journal() == []
    settings.UPSTREAM_PRIVATE_HOSTS = ["cloud.example"]
    assert len(client.get_family_list().result) == 40
