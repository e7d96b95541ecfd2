"""Which addresses may be connected to: a table of our own.

`ipaddress.is_global` of Python 3.11 takes NAT64, 6to4, multicast and more for global, so it decides nothing
here.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_BLOCKED_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and a cloud's metadata at 100.100.100.200
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# All else of IPv6 is loopback, unspecified, mapped, translated, local, multicast or not assigned.
_PUBLIC_6 = IPv6Network("2000::/3")
_BLOCKED_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_PRIVATE = tuple(
    ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _BLOCKED_4)
    return (
        address in _PUBLIC_6
        and address.scope_id is None
        and not any(address in network for network in _BLOCKED_6)
    )


class PeerPolicy:
    """Which addresses count as peers.

    Args:
        allow_private: False in production. True exempts loopback and private networks, a list exempts
            just these; what is exempt may also speak plain HTTP, on any port. For development.
    """

    def __init__(self, allow_private: bool | Iterable[Network | str] = False) -> None:
        if isinstance(allow_private, bool):
            self._exempt: tuple[Network, ...] = _PRIVATE if allow_private else ()
        else:
            self._exempt = tuple(ip_network(network) for network in allow_private)
        self._judge = lru_cache(maxsize=16384)(self._compute)

    @property
    def has_exemptions(self) -> bool:
        """Whether any address may be reached over plain HTTP at all."""
        return bool(self._exempt)

    def is_exempt(self, address: str) -> bool:
        """Tell whether an address is one of those exempted."""
        return self._judge(address)[1]

    def allows(self, address: str) -> bool:
        """Tell whether a connection to an address, in canonical spelling, may be opened."""
        return self._judge(address)[0]

    def _compute(self, text: str) -> tuple[bool, bool]:
        address = ip_address(text)
        exempt = any(address in network for network in self._exempt)
        return exempt or is_public(address), exempt
