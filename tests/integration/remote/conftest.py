"""A guarded client that may talk to loopback, and a fake fediverse to talk to."""

from collections.abc import AsyncIterator

import pytest

from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.remote.errors import DnsFailed
from shared.remote.resolver import Answer
from tests.fakes.remote_server import RemoteServer


class NoNames:
    """A lookup that knows no name; `*.localhost` needs none."""

    async def __call__(self, host: str) -> Answer:
        """Raise DnsFailed."""
        raise DnsFailed(host)


@pytest.fixture
async def client() -> AsyncIterator[GuardedClient]:
    """Yield a client for development, to which loopback is a peer."""
    async with GuardedClient(
        PeerPolicy(allow_private=True),
        user_agent="Heddle-tests/1",
        own_hosts=["heddle.localhost:1"],
        lookup=NoNames(),
    ) as guarded:
        yield guarded


@pytest.fixture
async def fediverse() -> AsyncIterator[RemoteServer]:
    """Yield a fake fediverse."""
    async with RemoteServer() as server:
        yield server
