"""Taking in bodies within bounds of size, time and memory."""

from typing import Final

from services.inbox_receiver.form import check_length
from services.inbox_receiver.refusal import try_again_later

DEADLINE: Final = 10.0
"""Seconds for the whole body, however steadily it drips."""

MAX_HELD: Final = 128 << 20
"""Bytes of unfinished bodies that this process holds at a time."""


class Bodies:
    """The bodies under way on all connections of this process.

    Args:
        deadline: Seconds for one body.
        max_held: Bytes of unfinished bodies at a time.
    """

    def __init__(self, *, deadline: float = DEADLINE, max_held: int = MAX_HELD) -> None:
        self.deadline = deadline
        self.max_held = max_held
        self.held = 0


class Body:
    """One body, as far as it has come.

    Args:
        bodies: All of them.
    """

    __slots__ = ("_bodies", "_pieces", "_size")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        """Take in the next bytes; raises Refusal."""
        self._size += len(piece)
        self._bodies.held += len(piece)
        self._pieces.append(piece)
        check_length(self._size)
        if self._bodies.held > self._bodies.max_held:
            raise try_again_later("overloaded", "Too many bodies are under way.")

    def take(self) -> bytes:
        """Return the whole, which no longer counts as held."""
        whole = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self.drop()
        return whole

    def drop(self) -> None:
        """Forget what has come."""
        self._bodies.held -= self._size
        self._size = 0
        self._pieces = []
