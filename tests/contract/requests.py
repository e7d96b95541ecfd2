"""Messages to send through a queue, and a handler that remembers them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from shared.protocol.messages import Codec, ReceivedRequest
from shared.queue.topology import ACTIVITY_ACCEPTED, FANOUT_PLAN, INBOX_RECEIVED

CODEC = Codec(ReceivedRequest)
QUEUES = (INBOX_RECEIVED, ACTIVITY_ACCEPTED, FANOUT_PLAN)
"""What a test declares: all the queues there are cost the broker a second of its time."""


def request(number: int = 1, body: bytes = b"{}") -> ReceivedRequest:
    """Return a request as the receiver queues it, told from others by its number."""
    return ReceivedRequest(
        method="POST",
        target="/inbox",
        headers=(("host", "a.example"),),
        body=body,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        trace=f"{number:032x}",
        activity_id=f"https://b.example/activities/{number}",
        activity_type="Create",
        actor="https://b.example/users/1",
    )


def number_of(item: ReceivedRequest) -> int:
    """Return the number that a request was made with."""
    return int(item.trace, 16)


class Recorder:
    """A handler that records the numbers it was given, and fails where it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.done: list[int] = []
        self.failures: dict[int, Exception] = {}
        self.outage: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()

    async def __call__(self, items: Sequence[ReceivedRequest]) -> None:
        """Handle a batch: all of it or, with an error, nothing."""
        numbers = [number_of(item) for item in items]
        self.batches.append(numbers)
        self.entered.set()
        await self.gate.wait()
        if self.outage is not None:
            raise self.outage
        for number in numbers:
            if number in self.failures:
                raise self.failures[number]
        self.done += numbers
