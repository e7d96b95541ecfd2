"""The way to other servers, for the commands that look somebody up there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from services.operator_console.session import Session
from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.resolution import Resolver, instance_signer


@asynccontextmanager
async def open_resolver(session: Session) -> AsyncIterator[Resolver]:
    """Open a resolver that signs as the instance actor."""
    uris = session.site.uris
    agent = f"Heddle/{version('heddle')} (+{uris.origin}/)"
    policy = PeerPolicy(session.settings.allow_private_peers)
    signer = await instance_signer(session.pool, uris, session.settings.secret_key)
    async with GuardedClient(policy, user_agent=agent, own_hosts=[uris.host]) as client:
        yield Resolver(client, session.pool, signer, uris, session.site.ids)
