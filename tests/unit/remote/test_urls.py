"""URLs in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.errors import Rejected
from shared.remote.errors import AddressBlocked, BadUrl
from shared.remote.urls import authority, canonical, is_address

FULL_WIDTH = "127.0.0.1".translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://Example.COM", "https://example.com/"),
        ("HTTPS://example.com/a?b=c#d", "https://example.com/a?b=c"),
        ("https://example.com:443/x", "https://example.com/x"),
        ("https://example.com:8443/x", "https://example.com:8443/x"),
        ("http://example.com:80/x", "http://example.com/x"),
        ("https://example.com./x", "https://example.com/x"),
        ("https://bücher.example/ü?q=ä", "https://xn--bcher-kva.example/%C3%BC?q=%C3%A4"),
        ("https://example.com/%7Ea/%2f/@b'c", "https://example.com/%7Ea/%2f/@b'c"),
        ("https://example.com/@a@b.example/", "https://example.com/@a@b.example/"),
        ("https://[2606:4700:0::1111]:8443/x", "https://[2606:4700::1111]:8443/x"),
        (f"http://{FULL_WIDTH}/", "http://127.0.0.1/"),
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),
    ],
)
def test_one_spelling(text: str, expected: str) -> None:
    """The host is brought into one form; path and query stay as they are, since ids are compared."""
    assert str(canonical(text)) == expected
    assert str(canonical(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "/a", "//example.com/a", "https://", "https:///a", "https:a", "http://:80/"),
        *(
            "data:text/plain,a",
            "file:///etc/passwd",
            "ftp://example.com/",
            "javascript:alert(1)",
            "acct:a@b.c",
        ),
        *("https://user:word@example.com/", "https://user@example.com/", "https://@example.com/"),
        *("https://example.com:0/", "https://example.com:65536/", "https://example.com:x/", "https://[::1/"),
        *("https://exa mple.com/", "https://example.com/a b", "https://example.com\\@other.example/"),
        *(
            "https://example.com/\n",
            "https://example.com/\x00",
            "https://a..b/",
            "https://.a/",
            "https://-a.b/",
        ),
        *(
            "https://a_/" + "x" * 2048,
            "https://" + "a" * 64 + ".example/",
            "https://" + "a." * 130 + "example/",
        ),
        *("https://exam\u200bple.com/", "https://a%2eb/", "https://a%00b/", "https://<a>/", "https://a,b/"),
    ],
)
def test_what_is_not_a_url_of_a_server(text: str) -> None:
    """Other schemes, user names, ports that are none and hosts that are none are refused."""
    with pytest.raises(BadUrl):
        canonical(text)


@pytest.mark.parametrize(
    "host",
    [
        *("127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0177.1", "017700000001"),
        *("127.0.0.01", "127.0.0.0x1", "1.2.3.4.5", "256.1.1.1", "0", "0x", "00000000000000000177.1"),
        *(FULL_WIDTH.replace(FULL_WIDTH[4:8], ""), "[fe80::1%25eth0]"),
    ],
)
def test_odd_spellings_of_addresses_are_blocked(host: str) -> None:
    """Short, octal, hexadecimal, decimal and full-width spellings never reach a resolver."""
    with pytest.raises((AddressBlocked, BadUrl)):
        canonical(f"https://{host}/")


@given(st.text(max_size=60))
def test_nothing_raises_anything_but_a_refusal(text: str) -> None:
    """Any text at all is a URL in one spelling, or is refused."""
    for candidate in (text, f"https://{text}", f"https://example.com/{text}"):
        try:
            url = canonical(candidate)
        except Rejected:
            continue
        assert url.scheme in {"http", "https"}
        assert str(url).isascii()
        assert str(canonical(str(url))) == str(url)


def test_addresses_and_names_are_told_apart() -> None:
    """Only what is an address skips the resolver."""
    assert is_address("127.0.0.1")
    assert is_address("::1")
    assert not is_address("example.com")
    assert not is_address("1.example")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/a", "example.com"),
        ("https://example.com:8443/a", "example.com:8443"),
        ("https://[::1]:8443/a", "[::1]:8443"),
        ("https://[::1]/a", "[::1]"),
    ],
)
def test_the_authority_is_that_of_a_host_header(url: str, expected: str) -> None:
    """Host and port, the port only where it is not the usual one."""
    assert authority(canonical(url)) == expected
