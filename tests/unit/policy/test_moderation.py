"""Domain blocks cover what lies under the domain, and nothing beside it."""

import pytest

from shared.policy.moderation import block_for, blocked

_DOMAINS = frozenset({"evil.example", "bad.co.example", "127.0.0.1", "port.example:8443"})


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "EVIL.example",
        "evil.example.",
        "evil.example:8443",
        "a.evil.example",
        "a.b.evil.example:80",
        "bad.co.example",
        "127.0.0.1:9100",
        "port.example:8443",
    ],
)
def test_domain_and_what_is_under_it_is_blocked(host: str) -> None:
    """Subdomains, ports, case and a final dot do not lead around a block."""
    assert blocked(host, _DOMAINS)


@pytest.mark.parametrize(
    "host", ["example", "notevil.example", "evil.example.org", "co.example", "port.example", "[::1]:80", ""]
)
def test_neighbours_are_not_blocked(host: str) -> None:
    """A similar name, a parent and another port are other hosts."""
    assert not blocked(host, _DOMAINS)


def test_narrowest_block_counts() -> None:
    """Where a domain and its parent are both listed, the domain's own entry is found."""
    assert block_for("a.b.example", {"example", "b.example"}) == "b.example"
    assert block_for("a.c.example", {"example", "b.example"}) == "example"
    assert block_for("a.example", {}) is None
