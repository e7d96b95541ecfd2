"""A small client for RabbitMQ's management HTTP API: depths of queues, and what operators do to them."""

from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Struct
from yarl import URL

from shared.protocol.errors import Rejected, Unavailable
from shared.queue.nodes import nodes_of

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_DEFAULT_PORT = 15672
_CLIENT_ERROR = 400
_SERVER_ERROR = 500


class ManagementUnavailable(Unavailable):
    """The broker's management does not answer."""

    reason = "management_away"


class ManagementRefused(Rejected):
    """The broker's management says no."""

    reason = "management_refused"


class QueueDepth(Struct, frozen=True):
    """What one queue holds; counts are messages, each of 1 to 64 items, and lag a few seconds."""

    name: str
    messages: int = 0
    messages_ready: int = 0
    messages_unacknowledged: int = 0
    message_bytes: int = 0
    consumers: int = 0


class Management:
    """Speaks for one vhost. Use it with `async with`.

    Args:
        url: http://user:password@host:port of the management API; of a cluster several, separated by
            commas: the first that answers is asked.
        vhost: The vhost whose queues are meant.
    """

    def __init__(self, url: str, vhost: str = "/") -> None:
        parsed = [URL(node) for node in nodes_of(url)]
        sign_in = aiohttp.encode_basic_auth(parsed[0].user or "guest", parsed[0].password or "guest")
        self._headers = {"Authorization": sign_in}
        self._bases = [str(node.with_user(None).with_path("/")).rstrip("/") for node in parsed]
        self.vhost = vhost
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def queues(self) -> list[QueueDepth]:
        """Return every queue of the vhost, by name."""
        body = await self.request("GET", f"/queues/{quote(self.vhost, safe='')}")
        return sorted(msgspec.json.decode(body, type=list[QueueDepth]), key=lambda queue: queue.name)

    async def request(self, method: str, path: str, document: dict[str, Any] | None = None) -> bytes:
        """Make one request below `/api`; raises ManagementUnavailable or ManagementRefused."""
        if self._session is None:
            raise ManagementUnavailable("not open")
        for base in self._bases[:-1]:
            try:
                return await self._ask(self._session, base, method, path, document)
            except ManagementUnavailable:
                continue
        return await self._ask(self._session, self._bases[-1], method, path, document)

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        base: str,
        method: str,
        path: str,
        document: dict[str, Any] | None,
    ) -> bytes:
        url = URL(f"{base}/api{path}", encoded=True)
        try:
            async with session.request(method, url, json=document) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ManagementUnavailable(
                f"the broker's management at {URL(base).authority} does not answer: {_in_words(error)}"
            ) from error
        if response.status >= _SERVER_ERROR:
            raise ManagementUnavailable(f"{method} {path}: {response.status}")
        if response.status >= _CLIENT_ERROR:
            raise ManagementRefused(
                f"{method} {path}: {response.status} {body[:200].decode(errors='replace')}"
            )
        return body


def _in_words(error: aiohttp.ClientError | TimeoutError) -> str:
    """Return what a person understands of it; a time-out has a name only."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def management_of(broker_url: str, management_url: str = "") -> Management:
    """Return the management client for a broker: at its usual port unless a URL says otherwise."""
    brokers = [URL(node) for node in nodes_of(broker_url)]
    vhost = brokers[0].raw_path[1:].replace("%2F", "/").replace("%2f", "/") or "/"
    if management_url:
        return Management(management_url, vhost)
    return Management(",".join(str(_usual(broker)) for broker in brokers), vhost)


def _usual(broker: URL) -> URL:
    return URL.build(
        scheme="http", host=broker.host or "", port=_DEFAULT_PORT, user=broker.user, password=broker.password
    )
