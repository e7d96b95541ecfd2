"""What is changed about the database driver: it tells arrays by their types, and asks about types once.

asyncpg asks of each element of an array whether it is an array itself, by the abstract classes of
`collections`. That costs several times what writing a string or a number does, and a batch has thousands.

It also asks the database about each type of array that a connection meets for the first time, which takes
several times what the statement itself does: a pool that grows because much has come at once would be slow
just then. The types that Postgres itself has numbered are the same on all connections.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

import asyncpg
from asyncpg.protocol import protocol

NAME: Final = "IterableABC"
"""What the driver calls the class by which it asks."""

ARRAYS: Final[tuple[type, ...]] = (list, tuple, set, frozenset, deque, type({}.keys()), type({}.values()))
"""What may be given where a statement takes an array; anything else is refused as an error of ours."""


def tell_arrays_by_type() -> None:
    """Have the driver look at types alone, in this process."""
    vars(protocol)[NAME] = ARRAYS


_GENERATED = 10_000
"""The first number that a Postgres gives to a type by itself: those below mean the same on every server."""

_known: dict[int, Mapping[str, object]] = {}
_asked: set[int] = set()


class PlainConnection(asyncpg.Connection):
    """A connection of a pool: no code of ours gives it session state, so nothing is reset after use."""

    def get_reset_query(self) -> str:
        """Return nothing to run; a round trip per use saved."""
        return ""

    async def _introspect_types(
        self,
        typeoids: Iterable[int],
        timeout: float | None,  # noqa: ASYNC109 - the driver's own
    ) -> tuple[Sequence[Mapping[str, object]], Any]:
        """Return what Postgres says of these types, and the statement that told, as the driver wants it."""
        new = set(typeoids) - _asked
        if new:
            types, statement = await super()._introspect_types(typeoids, timeout)  # type: ignore[misc]
            if max(new) < _GENERATED:
                _known.update((row["oid"], row) for row in types)
                _asked.update(new)
            return types, statement
        # Nothing ran, so the unnamed statement that is being prepared is still there: a name says so.
        return list(_known.values()), SimpleNamespace(name="known")
