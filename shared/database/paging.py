"""Keyset pages: how a list sorted by id is cut, in either direction."""

from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")

_HIGHEST = (1 << 63) - 1


class Page(Struct, frozen=True, kw_only=True):
    """A stretch of a list that runs from the newest id to the oldest; every bound is exclusive.

    `since_id` cuts the list off, while `min_id` turns it round: the `limit` entries just above it.
    """

    limit: int
    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None

    @property
    def below(self) -> int:
        """The exclusive upper bound."""
        return _HIGHEST if self.max_id is None else self.max_id

    @property
    def above(self) -> int:
        """The exclusive lower bound."""
        if self.min_id is not None:
            return self.min_id
        return -1 if self.since_id is None else self.since_id

    @property
    def ascending(self) -> bool:
        """Whether the entries nearest to the lower bound are wanted."""
        return self.min_id is not None

    def query(self, template: str) -> str:
        """Return a query with `:order` replaced by the direction of this page."""
        return template.replace(":order", "ASC" if self.ascending else "DESC")

    def newest_first(self, rows: Sequence[T]) -> list[T]:
        """Return the rows of `query` in the order in which people read them."""
        return list(reversed(rows)) if self.ascending else list(rows)
