"""How old the oldest activity is that a consumer works on: what a backlog means to people."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from shared.protocol.messages import Delivery, Message
from shared.telemetry import metrics

LOOK = 5.0
"""Seconds between two looks: while a batch is held the age grows, and in an empty queue it is none."""


class Age:
    """The age, since it came in, of the oldest item in work. A queue hands out its oldest first.

    Args:
        queue: Whose.
    """

    def __init__(self, queue: str) -> None:
        self._gauge = metrics.oldest_age.labels(queue)
        self._held: dict[object, datetime] = {}
        self._idle = True

    @contextmanager
    def of(self, items: Sequence[Message]) -> Iterator[None]:
        """Count these as in work meanwhile."""
        key = object()
        self._held[key] = min(_since(item) for item in items)
        self._idle = False
        self._show()
        try:
            yield
        finally:
            del self._held[key]

    def look(self) -> None:
        """Show how old the oldest is by now; none where nothing was in work since the last look."""
        if self._held:
            self._show()
        elif self._idle:
            self._gauge.set(0.0)
        self._idle = not self._held

    def _show(self) -> None:
        oldest = min(self._held.values())
        self._gauge.set(max((datetime.now(UTC) - oldest).total_seconds(), 0.0))


def _since(item: Message) -> datetime:
    return item.created_at if isinstance(item, Delivery) else item.received_at
