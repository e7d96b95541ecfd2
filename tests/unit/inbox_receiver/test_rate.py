"""The bound on what one address may send."""

import ipaddress

from services.inbox_receiver.rate import RateLimit, address_of


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    """After the burst an address waits, and once it has waited as told it may pass."""
    clock = Clock()
    limit = RateLimit(per_second=2, burst=3, clock=clock)
    assert [limit.wait_of("192.0.2.1") for _ in range(3)] == [0, 0, 0]
    wait = limit.wait_of("192.0.2.1")
    assert 0 < wait <= 0.5
    clock.now += wait
    assert limit.wait_of("192.0.2.1") == 0
    assert limit.wait_of("192.0.2.1") > 0


def test_a_pause_refills_up_to_the_burst() -> None:
    """However long the pause, no more than the burst passes after it."""
    clock = Clock()
    limit = RateLimit(per_second=2, burst=3, clock=clock)
    limit.wait_of("192.0.2.1")
    clock.now += 1_000_000
    assert [limit.wait_of("192.0.2.1") > 0 for _ in range(4)] == [False, False, False, True]


def test_one_ipv6_network_is_one_sender() -> None:
    """Addresses of one /64 share a bound, others have their own."""
    limit = RateLimit(per_second=1, burst=1, clock=Clock())
    assert limit.wait_of("2001:db8::1") == 0
    assert limit.wait_of("2001:db8::2") > 0
    assert limit.wait_of("2001:db8:1::1") == 0


def test_the_memory_is_bounded() -> None:
    """Beyond so many addresses the one that was quiet for longest is forgotten."""
    limit = RateLimit(per_second=1, burst=1, max_addresses=2, clock=Clock())
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        assert limit.wait_of(address) == 0
    assert limit.wait_of("192.0.2.3") > 0
    assert limit.wait_of("192.0.2.1") == 0


def test_exempt_networks_have_no_bound() -> None:
    """In development private peers, or the networks named, are not bounded."""
    everything = RateLimit(per_second=1, burst=1, exempt=True, clock=Clock())
    assert [everything.wait_of("127.0.0.1") for _ in range(3)] == [0, 0, 0]
    assert [everything.wait_of("8.8.8.8") > 0 for _ in range(2)] == [False, True]
    some = RateLimit(per_second=1, burst=1, exempt=(ipaddress.ip_network("10.0.0.0/8"),), clock=Clock())
    assert [some.wait_of("10.1.1.1") for _ in range(3)] == [0, 0, 0]
    assert [some.wait_of("127.0.0.1") > 0 for _ in range(2)] == [False, True]


def test_only_our_proxy_may_speak_for_others() -> None:
    """The forwarded address counts from a private peer, and of it only what that peer wrote."""
    assert address_of("10.0.0.1", "203.0.113.9, 8.8.8.8") == "8.8.8.8"
    assert address_of("8.8.4.4", "1.1.1.1") == "8.8.4.4"
    assert address_of("127.0.0.1", "") == "127.0.0.1"
