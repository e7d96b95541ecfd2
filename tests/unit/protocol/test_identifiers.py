"""Hosts and origins: the quick reading of plain URIs and the full one of all others say the same."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.identifiers import host_of, origin_of, same_origin

_TRICKY = st.text(alphabet="htps:/?#@[].-aA0\t\n\\%é ", max_size=24)


@given(st.sampled_from(["http://", "https://", "HTTPS://", "ftp://", "//", ""]), _TRICKY)
def test_a_plain_uri_is_read_as_any_other(scheme: str, rest: str) -> None:
    """Whatever follows the scheme, host and origin are those that a full parse finds."""
    uri = scheme + rest
    try:
        parts = urlsplit(uri)
    except ValueError:
        assert (host_of(uri), origin_of(uri)) == ("", "")
        return
    assert host_of(uri) == parts.netloc.rpartition("@")[2].lower()
    sound = parts.scheme in {"http", "https"} and parts.netloc and "@" not in parts.netloc
    sound = sound and parts.netloc.isascii()
    assert origin_of(uri) == (f"{parts.scheme}://{parts.netloc.lower()}" if sound else "")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "https://A.example/y", True),
        ("https://a.example", "https://a.example#main-key", True),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://a.example/x", "https://a.example.evil.example/x", False),
        ("https://a.example/x", "https://a.example@evil.example/x", False),
        ("https://a.example\\@evil.example/", "https://a.example/", False),
        ("mailto:a@a.example", "mailto:a@a.example", False),
        ("https://\uff41.example/x", "https://\uff41.example/y", False),
    ],
)
def test_who_owns_what(one: str, other: str, same: bool) -> None:
    """Scheme, host and port make an origin; what only looks like it does not."""
    assert same_origin(one, other) is same


_URIS = st.builds(
    str.__add__, st.sampled_from(["http://a", "https://a.a", "HTTPS://[a]", "ftp://", ""]), _TRICKY
)


@given(_URIS, _URIS, st.booleans())
def test_one_owner_is_one_origin(one: str, other: str, prefixed: bool) -> None:
    """Two URIs have one owner exactly where both have the same origin, in whichever order."""
    one = other + one[-8:] if prefixed else one
    assert same_origin(one, other) is (origin_of(one) == origin_of(other) != "")
    assert same_origin(other, one) is same_origin(one, other)
