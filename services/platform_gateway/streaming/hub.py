"""Everybody who listens to this process, and the one place where what happened is handed out to them."""

import asyncio
from collections.abc import Iterable

import structlog
from aiohttp import web
from msgspec import Struct

from services.platform_gateway.errors import ApiError
from services.platform_gateway.streaming.channels import Channel
from services.platform_gateway.streaming.events import Events, Showing
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.live import Live
from shared.protocol.local_uris import LocalUris
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

MOST_WAITING = 256
"""Events that a client may be behind; one that reads slower is disconnected and reads the timeline anew."""

MOST_CLIENTS = 4000
MOST_PER_ACCOUNT = 32
MOST_CHANNELS = 64


class Event(Struct, frozen=True):
    """What is sent: on which stream, what kind, and the JSON of it."""

    channel: Channel
    kind: str
    payload: str


class Client:
    """One connection that listens.

    Args:
        account_id: Whose it is; None for somebody not signed in.
        most_waiting: Events that it may be behind.
    """

    def __init__(self, account_id: int | None, *, most_waiting: int = MOST_WAITING) -> None:
        self.account_id = account_id
        self.channels: set[Channel] = set()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._most = most_waiting
        self.closed = False

    def subscribe(self, channel: Channel) -> None:
        """Listen to one more stream; raises ApiError beyond the bound."""
        if len(self.channels) >= MOST_CHANNELS and channel not in self.channels:
            raise ApiError(400, "Too many streams")
        self.channels.add(channel)

    def offer(self, event: Event) -> None:
        """Have an event sent; a client that is too far behind is closed instead."""
        if self.closed:
            return
        if self._events.qsize() >= self._most:
            log.info("stream_too_slow", account=self.account_id)
            self.close()
        else:
            self._events.put_nowait(event)

    def close(self) -> None:
        """Hand out nothing any more."""
        self.closed = True
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(None)

    async def next(self) -> Event | None:
        """Return what is to be sent next; None at the end."""
        return await self._events.get()


class Hub:
    """Hands out what happened.

    Args:
        pool: Where to look up what it was and whom it concerns.
        uris: Who we are.
    """

    def __init__(self, pool: Pool, uris: LocalUris) -> None:
        self._pool = pool
        self._uris = uris
        self._clients: set[Client] = set()
        self._closed = False

    @property
    def clients(self) -> frozenset[Client]:
        """Those who listen."""
        return frozenset(self._clients)

    def join(self, client: Client) -> None:
        """Take in a client; raises ApiError where there are too many."""
        same = sum(1 for one in self._clients if one.account_id == client.account_id)
        if self._closed or len(self._clients) >= MOST_CLIENTS:
            raise ApiError(503, "Too many streams are open", headers={"Retry-After": "10"})
        if client.account_id is not None and same >= MOST_PER_ACCOUNT:
            raise ApiError(429, "Too many streams of this account are open", headers={"Retry-After": "10"})
        self._clients.add(client)
        metrics.streams_open.inc()

    def leave(self, client: Client) -> None:
        """Forget a client."""
        if client in self._clients:
            self._clients.discard(client)
            metrics.streams_open.dec()

    def close(self) -> None:
        """Send all clients away: the process stops."""
        self._closed = True
        for client in list(self._clients):
            client.close()

    async def show(self, live: Live) -> None:
        """Hand out what happened to those whom it concerns; raises Unavailable."""
        if not self._clients:
            return
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                events = Events(conn, self._uris, live, self._listeners())
                async for showing in events.showings():
                    self._hand_out(showing)

    def _listeners(self) -> dict[int | None, frozenset[Channel]]:
        """Return to which streams each account listens, over all its connections."""
        found: dict[int | None, set[Channel]] = {}
        for client in self._clients:
            found.setdefault(client.account_id, set()).update(client.channels)
        return {account: frozenset(channels) for account, channels in found.items()}

    def _hand_out(self, showing: Showing) -> None:
        for client in self._of(showing.account_id):
            for channel in showing.channels:
                if channel in client.channels:
                    client.offer(Event(channel, showing.kind, showing.payload))

    def _of(self, account_id: int | None) -> Iterable[Client]:
        return [client for client in self._clients if client.account_id == account_id]


HUB: web.AppKey[Hub] = web.AppKey("hub", Hub)
"""`request.app[HUB]` in a handler."""
