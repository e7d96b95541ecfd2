"""What is changed about the database driver: it tells arrays by their types.

asyncpg asks of each element of an array whether it is an array itself, by the abstract classes of
`collections`. That costs several times what writing a string or a number does, and a batch has thousands.
"""

from collections import deque
from typing import Final

from asyncpg.protocol import protocol

NAME: Final = "IterableABC"
"""What the driver calls the class by which it asks."""

ARRAYS: Final[tuple[type, ...]] = (list, tuple, set, frozenset, deque, type({}.keys()), type({}.values()))
"""What may be given where a statement takes an array; anything else is refused as an error of ours."""


def tell_arrays_by_type() -> None:
    """Have the driver look at types alone, in this process."""
    vars(protocol)[NAME] = ARRAYS
