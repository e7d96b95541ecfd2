"""What every handler of the gateway may use: built once in `__main__`, handed around by the application."""

from dataclasses import dataclass, field

from aiohttp import web
from asyncpg import Pool

from services.platform_gateway.rendering.kept import Kept
from shared.actions.site import Site
from shared.resolution import Resolver
from shared.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The process' settings, its pool, the site it speaks for, the way to other servers, posts rendered."""

    settings: Settings
    site: Site
    pool: Pool
    resolver: Resolver
    kept: Kept = field(default_factory=Kept)


GATEWAY: web.AppKey[Gateway] = web.AppKey("gateway", Gateway)
"""`request.app[GATEWAY]` in a handler."""
