"""Signs ahead of time, in processes of its own: the one that sends must not spend its core on RSA."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait

from services.load_generator.keys import KeyRing
from services.load_generator.plan import Step
from services.load_generator.signing import SignedRequest
from services.load_generator.wire import sign
from services.load_generator.world import World

CHUNK = 250
"""Requests signed by one call: a tenth of a second of work."""

_ring: KeyRing | None = None


def _set_up(world: World) -> None:
    global _ring  # noqa: PLW0603 - what a process of the pool works with
    # Ctrl-C reaches the whole group; the process that sends decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _ring = world.ring()


def _end_with_parent() -> None:
    """End with the process that sends, even if it is killed: nobody else would end this one."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _sign(steps: Sequence[Step]) -> list[SignedRequest]:
    if _ring is None:
        raise RuntimeError("this process was not set up")
    return [sign(_ring, step) for step in steps]


class SigningPool:
    """Keeps signed requests in store, in the order of the steps.

    Args:
        world: Has the keys.
        steps: What is to be signed.
        processes: How many sign.
        ahead: How many requests to hold in store.
    """

    def __init__(self, world: World, steps: Sequence[Step], *, processes: int, ahead: int) -> None:
        self._steps = steps
        self._ahead = max(ahead, CHUNK)
        self._pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), initializer=_set_up, initargs=(world,)
        )
        self._store: deque[SignedRequest] = deque()
        self._next = 0
        self._filled = asyncio.Event()
        self._taken = asyncio.Event()
        self._task = asyncio.create_task(self._fill(processes))
        self.starved = 0

    async def fill(self) -> None:
        """Return once the store is full or everything is signed."""
        while len(self._store) < min(self._ahead, len(self._steps)):
            if self._task.done():
                self._task.result()
                return
            self._filled.clear()
            await self._filled.wait()

    def ready(self) -> bool:
        """Tell whether a request is in store."""
        return bool(self._store)

    async def take(self) -> SignedRequest:
        """Return the next request; counts where it had to be waited for."""
        if not self._store:
            self.starved += 1
            while not self._store:
                if self._task.done():
                    self._task.result()
                self._filled.clear()
                await self._filled.wait()
        self._taken.set()
        return self._store.popleft()

    async def close(self) -> None:
        """Stop signing."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def _fill(self, processes: int) -> None:
        loop = asyncio.get_running_loop()
        running: deque[asyncio.Future[list[SignedRequest]]] = deque()
        try:
            while running or self._next < len(self._steps):
                while self._room(len(running)) and len(running) < processes + 1:
                    chunk = self._steps[self._next : self._next + CHUNK]
                    self._next += len(chunk)
                    running.append(loop.run_in_executor(self._pool, _sign, chunk))
                if running:
                    self._store.extend(await running.popleft())
                    self._filled.set()
                else:
                    self._taken.clear()
                    await self._taken.wait()
        finally:
            self._filled.set()

    def _room(self, running: int) -> bool:
        held = len(self._store) + running * CHUNK
        return self._next < len(self._steps) and held + CHUNK <= self._ahead + CHUNK
