"""Deliveries: one POST over a kept connection, within slots and a deadline, and its answer as a value."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from shared.remote.connections import Connections
from shared.remote.errors import TimedOut
from shared.remote.exchange import PostResult
from shared.remote.http1 import Answer, Connection, NothingCame
from shared.remote.retry_after import read_retry_after
from shared.remote.slots import HostSlots
from shared.remote.turns import Turns
from shared.remote.urls import Destination

ACTIVITY_JSON = "application/activity+json"

SIGNED_AT_ONCE = 16
"""Requests that are signed and sent before answers are looked at again: about 4 ms of RSA."""

_ALL = ""
"""The name under which all hosts have their slots together."""

Headers = Iterable[tuple[str, str]]


class Poster:
    """Posts to hosts that nobody vouches for.

    Args:
        connections: Where connections come from.
        slots: How many exchanges one host may have.
        at_once: Exchanges over all hosts.
        user_agent: Who we are.
    """

    def __init__(self, connections: Connections, slots: HostSlots, *, at_once: int, user_agent: str) -> None:
        self._connections = connections
        self._slots = slots
        self._all = HostSlots(at_once)
        self._turns = Turns(SIGNED_AT_ONCE)
        self._fixed = f"User-Agent: {user_agent}\r\nAccept: */*\r\nContent-Type: {ACTIVITY_JSON}\r\n"

    async def post(
        self, to: Destination, body: bytes, headers: Callable[[], Headers], *, deadline: float
    ) -> PostResult:
        """Return the answer; raises Rejected, RemoteUnavailable.

        Args:
            to: Where to.
            body: What.
            headers: Makes the rest of them, the signature's, once there is a connection to send them over.
            deadline: Seconds for everything.
        """
        until = asyncio.get_running_loop().time() + deadline
        if not self._slots_at_once(to.authority):
            await self._wait_for_slots(to.authority, until)
        try:
            answer = await self._exchange(to, body, headers, until)
        finally:
            self._all.release(_ALL)
            self._slots.release(to.authority)
        waiting = answer.retry_after.decode("latin-1")
        retry_after = read_retry_after(waiting, datetime.now(UTC)) if waiting else None
        return PostResult(
            status=answer.status, seconds=answer.seconds, retry_after=retry_after, excerpt=answer.body
        )

    def _slots_at_once(self, host: str) -> bool:
        if not self._all.try_acquire(_ALL):
            return False
        if self._slots.try_acquire(host):
            return True
        self._all.release(_ALL)
        return False

    async def _wait_for_slots(self, host: str, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire(host)
                try:
                    await self._all.acquire(_ALL)
                except BaseException:
                    self._slots.release(host)
                    raise
        except TimeoutError:
            raise TimedOut(f"{host}: no slot in time") from None

    async def _exchange(
        self, to: Destination, body: bytes, headers: Callable[[], Headers], until: float
    ) -> Answer:
        keep = self._connections.admit(to)
        connection = self._connections.take(to) or await self._connections.open(to, until)
        try:
            await self._turns.take()
            request = self._request(to, body, headers(), keep=keep)
        except BaseException:
            connection.close()
            raise
        try:
            answer = await connection.exchange(request, until)
        except NothingCame:
            # A kept connection may have been closed by the other side a moment ago. Sending twice is safe,
            # for a delivery is known by its id.
            connection = await self._connections.open(to, until)
            answer = await connection.exchange(request, until)
        self._put_away(to, connection, keep=keep)
        return answer

    def _put_away(self, to: Destination, connection: Connection, *, keep: bool) -> None:
        if connection.exchanges == 1 and to.secure:
            self._connections.remember(to, connection)
        if keep:
            self._connections.give_back(to, connection)
        else:
            connection.close()

    def _request(self, to: Destination, body: bytes, headers: Headers, *, keep: bool) -> bytes:
        # A signature's headers begin with the Host that it covers.
        named = "".join([f"{name}: {value}\r\n" for name, value in headers])
        host = "" if named.startswith("Host: ") else f"Host: {to.authority}\r\n"
        close = "" if keep else "Connection: close\r\n"
        length = f"Content-Length: {len(body)}\r\n\r\n"
        head = f"POST {to.target} HTTP/1.1\r\n{host}{named}{close}{self._fixed}{length}"
        return head.encode("latin-1") + body
