"""Where a client is told to go next."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_LOCAL: Final = ".localhost"


def reached_origin(origin: str, asked: str) -> str:
    """Return the origin that the asking client can reach: for sign-in and streams, never for ids.

    That is the configured one. A site of one machine, whose name ends with `.localhost`, has many clients
    that cannot resolve it: RFC 6761, section 6.3, leaves that to each resolver. Those came to an address of
    loopback, and are kept there. Nothing else that a request says of us is believed.

    Args:
        origin: The configured origin.
        asked: The request's Host, not trusted.
    """
    parts = urlsplit(origin)
    if not (parts.hostname or "").endswith(_LOCAL) or not _is_loopback(asked):
        return origin
    return f"{parts.scheme}://{asked}"


def _is_loopback(asked: str) -> bool:
    try:
        parts = urlsplit(f"//{asked}")
        loopback = ip_address(parts.hostname or "").is_loopback
        port = parts.port
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return loopback and asked == (host if port is None else f"{host}:{port}")
