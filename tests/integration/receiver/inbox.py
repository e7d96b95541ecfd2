"""A receiver in this process, and a remote server that posts to it."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

from services.inbox_receiver.blocklist import Blocklist
from services.inbox_receiver.body import Bodies
from services.inbox_receiver.journal import Journal
from services.inbox_receiver.rate import RateLimit
from services.inbox_receiver.receiver import Receiver
from services.inbox_receiver.server import InboxServer
from shared.protocol.messages import Codec, ReceivedRequest
from shared.queue.connection import Broker, connect
from shared.queue.gathering import GatheringPublisher
from shared.queue.publisher import Publisher
from shared.queue.topology import INBOX_RECEIVED
from tests.fakes.signing import Outgoing, Signing, rsa_key, signed_headers

ORIGIN = "https://loom.example"
REMOTE = "https://remote.example"
KEY_ID = f"{REMOTE}/users/edith#main-key"
ACTIVITY_JSON = "application/activity+json"
CODEC = Codec(ReceivedRequest)


def activity(**changes: object) -> bytes:
    """Return a Create in wire form; a change of None leaves a member out."""
    document: dict[str, object] = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{REMOTE}/activities/1",
        "type": "Create",
        "actor": f"{REMOTE}/users/edith",
        "object": {"id": f"{REMOTE}/notes/1", "type": "Note", "content": "Hello"},
    }
    document.update(changes)
    return json.dumps({key: value for key, value in document.items() if value is not ...}).encode()


def signed(
    body: bytes, *, path: str = "/inbox", how: Signing | None = None, **headers: str
) -> dict[str, str]:
    """Return the headers of a signed POST; further ones are added or replace."""
    request = Outgoing("POST", ORIGIN + path, body)
    return {
        "Content-Type": ACTIVITY_JSON,
        **signed_headers(how or Signing(), request, KEY_ID, rsa_key("edith")),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }


def without(headers: dict[str, str], *names: str) -> dict[str, str]:
    """Return headers without some of them."""
    return {name: value for name, value in headers.items() if name not in names}


@dataclass
class Inbox:
    """Where to post, and what came out at the queue."""

    url: str
    session: aiohttp.ClientSession
    broker: Broker

    async def post(
        self, body: bytes | AsyncIterator[bytes], headers: dict[str, str], path: str = "/inbox"
    ) -> "Answer":
        """Post once."""
        # A stream is written piece by piece, so that an answer that comes early is seen.
        data = io.BytesIO(body) if isinstance(body, bytes) else body
        async with self.session.post(self.url + path, data=data, headers=headers) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def queued(self) -> list[list[ReceivedRequest]]:
        """Take what is on the queue and return the items of each message."""
        channel = await self.broker.consuming.channel()
        queue = await channel.get_queue(INBOX_RECEIVED)
        found = []
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            found.append(CODEC.decode(message.body))
        await channel.close()
        return found


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes
    problem: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        self.problem = json.loads(self.body) if self.body.startswith(b"{") else {}


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The receiver's bounds, small enough for a test."""

    confirm_timeout: float = 3.0
    max_waiting: int = 2048
    rate: RateLimit = field(default_factory=lambda: RateLimit(exempt=True))
    bodies: Bodies = field(default_factory=Bodies)
    idle: float = 60.0
    max_connections: int = 1000


@contextlib.asynccontextmanager
async def receiving(
    broker_url: str, database_url: str, bounds: Bounds | None = None, *, look_at: str | None = None
) -> AsyncIterator[Inbox]:
    """Run a receiver; yield its door. `look_at` is another way to the broker for the test's own eyes."""
    bounds = bounds or Bounds()
    async with (
        connect(broker_url, "receiver", [INBOX_RECEIVED]) as broker,
        connect(look_at or broker_url, "test", [INBOX_RECEIVED]) as watching,
        Blocklist(database_url, refresh=0.05) as blocklist,
        Journal(database_url) as journal,
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as session,
    ):
        await asyncio.gather(broker.wait_until_up(), watching.wait_until_up())
        publisher = GatheringPublisher(
            Publisher(broker, timeout=bounds.confirm_timeout),
            INBOX_RECEIVED,
            CODEC,
            max_waiting=bounds.max_waiting,
        )
        receiver = Receiver(publisher, blocklist, bounds.rate, journal)
        server = InboxServer(
            receiver, bounds.bodies, idle=bounds.idle, max_connections=bounds.max_connections
        )
        host, port = await server.start("127.0.0.1", 0)
        try:
            yield Inbox(f"http://{host}:{port}", session, watching)
        finally:
            await server.stop(timeout=1.0)


def now() -> datetime:
    """Return the present in UTC."""
    return datetime.now(UTC)
