"""What a consumer has received and not yet handled, and how it becomes batches."""

import asyncio
from collections.abc import Sequence
from typing import Generic, TypeVar

from aiormq.abc import DeliveredMessage
from msgspec import Struct

from shared.protocol.errors import Malformed
from shared.protocol.messages import Codec, Message

T = TypeVar("T", bound=Message)


class Delivered(Struct, Generic[T], frozen=True):
    """One queue message: its delivery tag and its items; none where the body could not be read."""

    tag: int
    body: bytes
    items: tuple[T, ...]
    trouble: str = ""


class Backlog(Generic[T]):
    """Messages that have arrived on one channel, in order.

    Args:
        codec: Reads the bodies.
        window: Seconds to wait for more while messages come in quickly; a lone one never waits.
        max_items: A batch is closed when it has this many items; the last message may exceed it.
        max_bytes: Of bodies held, those in work counted; a single message may exceed it.
    """

    def __init__(self, codec: Codec[T], *, window: float, max_items: int, max_bytes: int) -> None:
        self._codec = codec
        self._window = window
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._arrived: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()
        self.closed = asyncio.Event()
        self.full = asyncio.Event()
        """Set once a message had no room: it and all after it were dropped, for the broker has them still."""
        self.messages = 0
        """How many are held."""
        self.bytes = 0
        """Of their bodies."""

    def add(self, message: DeliveredMessage) -> None:
        """Take in what the broker has sent, as long as there is room."""
        size = len(message.body)
        if self.full.is_set() or (self.messages and self.bytes + size > self._max_bytes):
            self.full.set()
            return
        self.messages += 1
        self.bytes += size
        self._arrived.put_nowait(message)

    def settled(self, batch: Sequence[Delivered[T]]) -> None:
        """Make room: these are done."""
        self.messages -= len(batch)
        self.bytes -= sum(len(message.body) for message in batch)

    def close(self, workers: int) -> None:
        """Hand out no more batches; wakes this many waiting workers."""
        self.closed.set()
        for _ in range(workers):
            self._arrived.put_nowait(None)

    async def next_batch(self) -> Sequence[Delivered[T]]:
        """Return the next messages together, at least one; an empty batch after `close`."""
        first = await self._arrived.get()
        if first is None or self.closed.is_set():
            return ()
        batch = [self._read(first)]
        self._drain_into(batch)
        if len(batch) > 1 and self._window and not self._full(batch):
            # More than one was there: it is busy, and a fuller batch is worth the wait.
            await asyncio.sleep(self._window)
            self._drain_into(batch)
        return batch

    def _drain_into(self, batch: list[Delivered[T]]) -> None:
        while not self._full(batch) and not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message is None:
                self._arrived.put_nowait(None)
                return
            batch.append(self._read(message))

    def _full(self, batch: Sequence[Delivered[T]]) -> bool:
        return sum(len(message.items) or 1 for message in batch) >= self._max_items

    def _read(self, message: DeliveredMessage) -> Delivered[T]:
        tag = message.delivery_tag or 0
        try:
            return Delivered(tag, message.body, tuple(self._codec.decode(message.body)))
        except Malformed as error:
            return Delivered(tag, message.body, (), str(error))
