"""Where clients are told to go: the configured origin, or the loopback address that they came by."""

import pytest

from services.platform_gateway.reached import reached_origin

LOCAL = "http://loom.localhost:8080"


@pytest.mark.parametrize("asked", ["127.0.0.1:8080", "127.0.0.2", "[::1]:8080"])
def test_who_came_by_loopback_stays_there(asked: str) -> None:
    """A site of this machine sends a client on to the loopback address by which it was asked."""
    assert reached_origin(LOCAL, asked) == f"http://{asked}"


@pytest.mark.parametrize(
    "asked",
    [
        "loom.localhost:8080",
        "evil.example",
        "10.0.0.1:8080",
        "127.0.0.1:8080@evil.example",
        "127.0.0.1:x",
        "evil@127.0.0.1:8080",
        "127.0.0.1:8080/x",
        "127.0.0.1:08080",
        "[::1",
        "",
    ],
)
def test_no_other_name_is_believed(asked: str) -> None:
    """Names, other addresses and what is no Host leave the configured origin."""
    assert reached_origin(LOCAL, asked) == LOCAL


def test_a_public_site_is_what_it_is_configured_to_be() -> None:
    """A request over loopback, as a proxy makes it, does not change a public site's origin."""
    assert reached_origin("https://social.example", "127.0.0.1:8000") == "https://social.example"
