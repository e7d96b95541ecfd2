"""OAuth scopes: which exist, and which of them contain which."""

from collections.abc import Iterable

from shared.protocol.errors import Rejected

_READ = (
    "accounts",
    "blocks",
    "bookmarks",
    "favourites",
    "filters",
    "follows",
    "lists",
    "mutes",
    "notifications",
    "search",
    "statuses",
)
_WRITE = (
    "accounts",
    "blocks",
    "bookmarks",
    "conversations",
    "favourites",
    "filters",
    "follows",
    "lists",
    "media",
    "mutes",
    "notifications",
    "reports",
    "statuses",
)
_FOLLOW = frozenset(f"{verb}:{what}" for verb in ("read", "write") for what in ("blocks", "follows", "mutes"))

SUPPORTED = (
    "profile",
    "read",
    *(f"read:{part}" for part in _READ),
    "write",
    *(f"write:{part}" for part in _WRITE),
    "follow",
    "push",
)
"""Every scope that may be asked for; there is no administration through this API."""

DEFAULT = ("read",)
"""What an app gets that asks for nothing."""

ALL = ("read", "write", "follow", "push", "profile")
"""Everything a person may do with their own account."""


class InvalidScope(Rejected):
    """The scope is not one of those supported."""

    reason = "invalid_scope"


def parse_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes of a list separated by spaces, each once, in order; raises InvalidScope."""
    wanted = tuple(dict.fromkeys(text.split())) or DEFAULT
    for scope in wanted:
        if scope not in SUPPORTED:
            raise InvalidScope(f"The scope {scope[:40]!r} is not supported")
    return wanted


def covers(granted: Iterable[str], needed: str) -> bool:
    """Tell whether any of the granted scopes contains the one needed."""
    held = frozenset(granted)
    if needed in held or needed.partition(":")[0] in held:
        return True
    return needed in _FOLLOW and "follow" in held


def covers_all(granted: Iterable[str], wanted: Iterable[str]) -> bool:
    """Tell whether nothing is wanted that was not granted."""
    held = frozenset(granted)
    return all(covers(held, scope) for scope in wanted)
