"""What every handler of the gateway may use: built once in `__main__`, handed around by the application."""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web
from asyncpg import Pool

from services.platform_gateway.rendering.kept import Kept
from shared.actions.site import Site
from shared.protocol.live import Live
from shared.resolution import Resolver
from shared.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The process' settings, its pool, the site it speaks for, the way to other servers, posts rendered.

    `tell` has every gateway show those who look on what changed here and does not go through the builder.
    """

    settings: Settings
    site: Site
    pool: Pool
    resolver: Resolver
    kept: Kept = field(default_factory=Kept)
    tell: Callable[[Live], None] = lambda _live: None


GATEWAY: web.AppKey[Gateway] = web.AppKey("gateway", Gateway)
"""`request.app[GATEWAY]` in a handler."""
