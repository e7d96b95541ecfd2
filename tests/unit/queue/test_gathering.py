"""How single items find together into messages."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.protocol.messages import MAX_ITEMS, Codec, ReceivedRequest
from shared.queue.gathering import GatheringPublisher, Overloaded
from shared.queue.publisher import Refused
from tests.contract.requests import CODEC, number_of, request
from tests.infrastructure import eventually


class FakePublisher:
    """Records what would be sent; confirms when told."""

    def __init__(self) -> None:
        self.sent: list[list[int]] = []
        self.confirm = asyncio.Event()
        self.failure: Exception | None = None

    async def publish(
        self, _queue: str, _codec: Codec[ReceivedRequest], items: Sequence[ReceivedRequest]
    ) -> None:
        """Stand for the real publisher."""
        self.sent.append([number_of(item) for item in items])
        await self.confirm.wait()
        if self.failure is not None:
            raise self.failure


def gathering(fake: FakePublisher, **bounds: float) -> GatheringPublisher[ReceivedRequest]:
    """Return the publisher under test."""
    window, most = bounds.get("window", 0.01), int(bounds.get("max_waiting", 1000))
    return GatheringPublisher(fake, "q", CODEC, window=window, max_waiting=most)  # type: ignore[arg-type]


async def test_a_lone_item_leaves_at_once() -> None:
    """At rest an item does not wait for the window."""
    fake = FakePublisher()
    publisher = gathering(fake, window=3600)
    task = asyncio.create_task(publisher.publish(request(1)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert fake.sent == [[1]]
    fake.confirm.set()
    await task


async def test_items_gather_while_one_is_under_way() -> None:
    """What comes while a message is on its way leaves together, in order, after the window."""
    fake = FakePublisher()
    publisher = gathering(fake)
    tasks = [asyncio.create_task(publisher.publish(request(0)))]
    await asyncio.sleep(0.005)
    for number in (1, 2, 3):
        tasks.append(asyncio.create_task(publisher.publish(request(number))))
        await asyncio.sleep(0)
    await eventually(lambda: len(fake.sent) == 2, "the second message")
    assert fake.sent == [[0], [1, 2, 3]]
    fake.confirm.set()
    await asyncio.gather(*tasks)


async def test_a_full_message_does_not_wait() -> None:
    """A message that is full leaves before the window is over."""
    fake = FakePublisher()
    publisher = gathering(fake, window=3600)
    tasks = [asyncio.create_task(publisher.publish(request(0)))]
    for _ in range(3):
        await asyncio.sleep(0)
    tasks += [asyncio.create_task(publisher.publish(request(n))) for n in range(1, MAX_ITEMS + 1)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert [len(numbers) for numbers in fake.sent] == [1, MAX_ITEMS]
    fake.confirm.set()
    await asyncio.gather(*tasks)


async def test_everybody_learns_of_a_failure() -> None:
    """When a message fails, each of its items fails with the reason."""
    fake = FakePublisher()
    fake.failure = Refused("full")
    fake.confirm.set()
    publisher = gathering(fake)
    results = await asyncio.gather(*(publisher.publish(request(n)) for n in range(3)), return_exceptions=True)
    assert all(isinstance(result, Refused) for result in results)
    assert fake.sent == [[0, 1, 2]]


async def test_a_caller_that_leaves_does_not_take_the_item_along() -> None:
    """An item is sent even if whoever brought it has gone; the others get their answer."""
    fake = FakePublisher()
    publisher = gathering(fake)
    gone = asyncio.create_task(publisher.publish(request(1)))
    stays = asyncio.create_task(publisher.publish(request(2)))
    await asyncio.sleep(0)
    gone.cancel()
    fake.confirm.set()
    await stays
    assert fake.sent == [[1, 2]]


async def test_the_number_of_waiting_items_is_bounded() -> None:
    """Beyond the bound an item is refused at once; after confirms there is room again."""
    fake = FakePublisher()
    publisher = gathering(fake, max_waiting=2)
    tasks = [asyncio.create_task(publisher.publish(request(n))) for n in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await publisher.publish(request(3))
    fake.confirm.set()
    await asyncio.gather(*tasks)
    await publisher.publish(request(4))


async def test_one_that_cannot_be_told_does_not_keep_the_others_waiting() -> None:
    """Whoever fails at hearing of its confirm fails alone."""
    fake, told = FakePublisher(), asyncio.Event()
    fake.confirm.set()
    publisher = gathering(fake)

    def fails(_error: BaseException | None) -> None:
        raise ZeroDivisionError

    publisher.submit(request(1), fails)
    publisher.submit(request(2), lambda _: told.set())
    await asyncio.wait_for(told.wait(), 5)
    assert fake.sent == [[1, 2]]


async def test_confirmed_items_are_counted_a_message_at_a_time() -> None:
    """A confirm counts all items of its message, before they are told; what was not kept does not count."""
    fake, counted = FakePublisher(), list[int]()
    publisher = GatheringPublisher(fake, "q", CODEC, confirmed=counted.append)  # type: ignore[arg-type]
    seen: list[list[int]] = []
    for number in range(3):
        publisher.submit(request(number), lambda _: seen.append(list(counted)))
    fake.confirm.set()
    await eventually(lambda: len(seen) == 3, "the confirm")
    assert (counted, seen) == ([3], [[3]] * 3)
    fake.failure = Refused("no")
    with pytest.raises(Refused):
        await publisher.publish(request(4))
    assert counted == [3]
