"""Addresses of databases and brokers, taken apart and put together."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit, urlunsplit


def with_path(url: str, name: str) -> str:
    """Name another database of the same server, or another virtual host of the same broker."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{quote(name, safe='')}"))


def with_user(url: str, user: str, password: str) -> str:
    """Sign in as another user."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"))


def without_password(url: str) -> str:
    """The address as it may be shown."""
    parts = urlsplit(url)
    credentials, at, host = parts.netloc.rpartition("@")
    user = credentials.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}"))


def credentials_of(url: str) -> tuple[str, str]:
    """User and password, decoded; empty where there are none."""
    parts = urlsplit(url)
    return unquote(parts.username or ""), unquote(parts.password or "")
