"""URLs in one spelling, so that what is checked is what is requested."""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

from msgspec import Struct
from yarl import URL

from shared.protocol.identifiers import MAX_URI_LENGTH
from shared.remote.errors import AddressBlocked, BadUrl

_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")


@lru_cache(maxsize=4096)
def canonical(text: str) -> URL:
    """Return a URL with its host in ASCII and lower case, without fragment; raises Rejected.

    http and https only; nothing before an `@`; addresses in no spelling but the usual one. Path and query
    stay as they are: the URL has to equal the id of what it leads to.
    """
    if len(text) > MAX_URI_LENGTH or _FORBIDDEN.search(text):
        raise BadUrl("too long, or with characters that no URL has")
    try:
        url = URL(text)
        port, default = url.explicit_port, url.is_default_port()
        parts = urlsplit(text)
    except (ValueError, UnicodeError) as error:
        raise BadUrl(f"{text[:200]!r}: {error}"[:300]) from None
    if url.scheme not in {"http", "https"} or not url.raw_host or port == 0:
        raise BadUrl(f"{text[:200]!r} is not an http or https URL with a host")
    if "@" in parts.netloc:
        raise BadUrl("a URL with a user name")
    path, query = parts.path, parts.query
    if not text.isascii():
        path, query = url.raw_path, url.raw_query_string
    host = canonical_host(url.raw_host)
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and not default:
        netloc = f"{netloc}:{port}"
    return URL(f"{url.scheme}://{netloc}{path or '/'}{'?' if query else ''}{query}", encoded=True)


class Destination(Struct, frozen=True, kw_only=True):
    """Where a delivery goes, taken apart once: what the request line, the signature and the socket need.

    `text` is the whole URL, `origin` its beginning up to the path, `authority` what a `Host` header has.
    """

    url: URL
    text: str
    origin: str
    authority: str
    host: str
    port: int
    target: str

    @property
    def secure(self) -> bool:
        """Whether it is spoken with over TLS."""
        return self.url.scheme == "https"


@lru_cache(maxsize=16_384)
def destination(text: str) -> Destination:
    """Return an inbox's URL taken apart, in its canonical spelling; raises Rejected."""
    url = canonical(text)
    host, port = url.raw_host, url.port
    if host is None or port is None:
        raise BadUrl(f"{text[:200]!r} names no host")
    name = authority(url)
    return Destination(
        url=url,
        text=str(url),
        origin=f"{url.scheme}://{name}",
        authority=name,
        host=host,
        port=port,
        target=url.raw_path_qs,
    )


def canonical_host(host: str) -> str:
    """Return a host name in lower case, or an address in its usual spelling; raises Rejected."""
    host = host.lower().removesuffix(".")
    if ":" in host:
        return _address_6(host)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _address_4(host)
    if not _NAME.fullmatch(host):
        raise BadUrl(f"{host[:100]!r} is not a host name")
    return host


def _address_4(host: str) -> str:
    # 127.1, 0177.0.0.1, 2130706433 and 0x7f.1 mean something to many programs: they mean trouble.
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        raise AddressBlocked(f"{host[:100]!r} is an odd spelling of an address") from None


def _address_6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        raise BadUrl(f"{host[:100]!r} is not an address") from None
    if address.scope_id is not None:
        raise AddressBlocked("an address with a zone")
    return str(address)


def is_address(host: str) -> bool:
    """Tell whether a canonical host is an address rather than a name."""
    return ":" in host or host.rpartition(".")[2].isdigit()


def authority(url: URL) -> str:
    """Return host and port of a canonical URL, as a `Host` header has them."""
    return url.raw_authority if url.explicit_port is not None else url.host_subcomponent or ""
