"""How much a consumer holds, and how much it has sent ahead."""

import asyncio

import pytest
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.queue import session
from shared.queue.batches import Backlog
from shared.queue.session import Prefetch
from tests.contract.requests import CODEC, request

BODY = CODEC.encode([request(1, b"x" * 1000)])


def arrival(tag: int) -> DeliveredMessage:
    """Return a message as the client library delivers it."""
    return DeliveredMessage(
        delivery=Basic.Deliver("consumer", tag, False, "", "queue"),
        header=ContentHeader(),
        body=BODY,
        channel=None,  # type: ignore[arg-type]
    )


async def test_no_message_is_held_beyond_the_bytes() -> None:
    """The first message without room is left to the broker, and every one after it, so the order holds."""
    backlog = Backlog(CODEC, window=0.0, max_items=1, max_bytes=3 * len(BODY))
    for tag in range(1, 4):
        backlog.add(arrival(tag))
    assert not backlog.full.is_set()
    backlog.add(arrival(4))
    assert (backlog.full.is_set(), backlog.messages, backlog.bytes) == (True, 3, 3 * len(BODY))
    backlog.settled(await backlog.next_batch())
    backlog.add(arrival(5))
    assert [(await backlog.next_batch())[0].tag for _ in range(2)] == [2, 3]
    assert (backlog.messages, backlog.bytes) == (2, 2 * len(BODY))


async def test_a_message_larger_than_all_room_is_held_alone() -> None:
    """One message always has room: it could be handled nowhere else."""
    backlog = Backlog(CODEC, window=0.0, max_items=1, max_bytes=1)
    backlog.add(arrival(1))
    assert not backlog.full.is_set()
    backlog.add(arrival(2))
    assert (backlog.full.is_set(), backlog.messages) == (True, 1)


async def test_a_prefetch_shrinks_at_once_and_grows_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what had room is asked for; after a while twice that, up to what it was, and then no more."""
    monkeypatch.setattr(session, "WIDEN_AFTER", 0.0)
    prefetch = Prefetch(20)
    prefetch.narrow(12)
    asked = [prefetch.now]
    while prefetch.now < 20:
        await prefetch.may_widen()
        asked.append(prefetch.now)
    assert asked == [6, 12, 20]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(prefetch.may_widen(), 0.05)
    prefetch.narrow(1)
    assert prefetch.now == 1
