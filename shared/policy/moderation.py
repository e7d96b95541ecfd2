"""Blocks of whole domains: a block of a domain covers every subdomain and every port."""

from collections.abc import Collection, Iterator


def blocked(host: str, domains: Collection[str]) -> bool:
    """Tell whether a host, with or without a port, lies in one of these domains (lower case)."""
    return bool(domains) and block_for(host, domains) is not None


def block_for(host: str, domains: Collection[str]) -> str | None:
    """Return the narrowest of these domains that covers a host."""
    return next((domain for domain in _domains_above(host) if domain in domains), None)


def _domains_above(host: str) -> Iterator[str]:
    """Yield the host as given, its name, and every domain above it."""
    name = host.lower().rstrip(".")
    yield name
    if not name.startswith("["):
        name = name.partition(":")[0].rstrip(".")
        yield name
    while "." in name:
        name = name.partition(".")[2]
        yield name
