"""Which addresses may be connected to."""

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.remote.addresses import PeerPolicy, is_public

PUBLIC = ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "2a01:4f8::1"]
NOT_PUBLIC = [
    str(IPv4Address(0)),
    *("0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:0:7f00:1::"),
    *("2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_peers(address: str) -> None:
    """An address of the public internet may be connected to."""
    assert is_public(ip_address(address))
    assert PeerPolicy().allows(address)
    assert not PeerPolicy().is_exempt(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_other_addresses_are_not(address: str) -> None:
    """Loopback, private, metadata, reserved, multicast, mapped and translated ones are blocked."""
    assert not is_public(ip_address(address))
    assert not PeerPolicy().allows(address)


@given(st.ip_addresses(v=4))
def test_nothing_that_python_calls_private_is_public(address: object) -> None:
    """Our table is at least as strict as the standard library's for IPv4."""
    one = ip_address(str(address))
    if one.is_private or one.is_loopback or one.is_link_local or one.is_multicast or one.is_unspecified:
        assert not is_public(one)


@given(st.ip_addresses(v=4))
def test_no_form_of_ipv6_carries_an_ipv4_address_past_the_table(address: object) -> None:
    """Whatever the IPv4 address, its mapped, compatible, translated and tunnelled forms are blocked."""
    number = int(ip_address(str(address)))
    forms = {
        "mapped": 0xFFFF << 32 | number,
        "compatible": number,
        "translated": 0xFFFF << 48 | number,
        "nat64": 0x64FF9B << 96 | number,
        "local nat64": 0x64FF9B0001 << 80 | number,
        "6to4": 0x2002 << 112 | number << 80,
        "teredo": 0x20010000 << 96 | (number ^ 0xFFFFFFFF),
    }
    for form, value in forms.items():
        text = ":".join(f"{value >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))
        assert not is_public(ip_address(text)), form


def test_exempting_all_private_peers() -> None:
    """For development loopback and private networks are peers; metadata, multicast and 0.0.0.0 never are."""
    policy = PeerPolicy(allow_private=True)
    assert policy.has_exemptions
    for address in ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "::1", "fd00::1"):
        assert policy.allows(address)
        assert policy.is_exempt(address)
    for address in (
        "169.254.169.254",
        str(IPv4Address(0)),
        "224.0.0.1",
        "100.100.100.200",
        "::ffff:127.0.0.1",
    ):
        assert not policy.allows(address)


def test_exempting_one_network() -> None:
    """A list exempts just what it names."""
    policy = PeerPolicy(["127.0.9.1/32", "fd00:1::/64"])
    assert policy.allows("127.0.9.1")
    assert policy.allows("fd00:1::5")
    assert not policy.allows("127.0.0.1")
    assert not policy.allows("fd00:2::5")
    assert policy.allows("1.1.1.1")
    assert not policy.is_exempt("1.1.1.1")


def test_exempting_nothing() -> None:
    """By default nothing private is a peer, and nothing may be plain HTTP."""
    assert not PeerPolicy().has_exemptions
    assert not PeerPolicy(allow_private=False).has_exemptions
    assert not PeerPolicy([]).has_exemptions
