"""What the site says of itself to clients."""

import hashlib

from aiohttp import web

from services.platform_gateway.auth import visitor
from services.platform_gateway.client_api.drafts import MAX_CHARACTERS
from services.platform_gateway.entities import instance as entities
from services.platform_gateway.gateway import GATEWAY, Gateway
from services.platform_gateway.reached import reached_origin
from services.platform_gateway.responses import answer
from shared.database.api_instance import count_peers, peers, public_blocks
from shared.database.usage import usage

VERSION = "4.3.0 (compatible; Heddle 0.1.0)"
"""Clients read the first number as the version of the API; what they learn from it holds here."""

DESCRIPTION = "A Heddle server: it gives the accounts of a platform a place in the fediverse."
MAX_PEERS = 10_000


def add_routes(app: web.Application) -> None:
    """Add the routes of this file; some clients put a slash at the end."""
    for slash in ("", "/"):
        app.router.add_get(f"/api/v1/instance{slash}", version_1)
        app.router.add_get(f"/api/v2/instance{slash}", version_2)
    app.router.add_get("/api/v1/instance/peers", known_peers)
    app.router.add_get("/api/v1/instance/activity", nothing_kept)
    app.router.add_get("/api/v1/instance/rules", nothing_kept)
    app.router.add_get("/api/v1/instance/languages", nothing_kept)
    app.router.add_get("/api/v1/instance/domain_blocks", blocks)
    app.router.add_get("/api/v1/instance/extended_description", extended_description)
    app.router.add_get("/api/v1/instance/translation_languages", translation_languages)
    app.router.add_get("/health", health)


async def version_1(request: web.Request) -> web.Response:
    """GET /api/v1/instance."""
    await visitor(request)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        size, domains = await usage(conn), await count_peers(conn)
    uris = gateway.site.uris
    return answer(
        entities.Instance(
            uri=uris.account_domain,
            title=uris.account_domain,
            short_description=DESCRIPTION,
            description=DESCRIPTION,
            version=VERSION,
            urls={"streaming_api": _streaming(request)},
            stats=entities.Stats(user_count=size.accounts, status_count=size.posts, domain_count=domains),
            thumbnail=_thumbnail(gateway),
            configuration=_configuration(request),
        )
    )


async def version_2(request: web.Request) -> web.Response:
    """GET /api/v2/instance."""
    await visitor(request)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        size = await usage(conn)
    return answer(
        entities.InstanceV2(
            domain=gateway.site.uris.account_domain,
            title=gateway.site.uris.account_domain,
            version=VERSION,
            description=DESCRIPTION,
            usage=entities.Usage(users=entities.UsageUsers(active_month=size.active_month)),
            thumbnail=entities.Thumbnail(url=_thumbnail(gateway)),
            configuration=_configuration(request),
        )
    )


def _thumbnail(gateway: Gateway) -> str:
    return f"{gateway.site.uris.origin}/static/header.png"


def _streaming(request: web.Request) -> str:
    return "ws" + reached_origin(request.app[GATEWAY].site.uris.origin, request.host).removeprefix("http")


def _configuration(request: web.Request) -> entities.Configuration:
    return entities.Configuration(
        statuses=entities.StatusLimits(max_characters=MAX_CHARACTERS),
        urls={"streaming": _streaming(request)},
    )


async def known_peers(request: web.Request) -> web.Response:
    """GET /api/v1/instance/peers: the servers that this one knows accounts of."""
    async with request.app[GATEWAY].pool.acquire() as conn:
        return answer(await peers(conn, MAX_PEERS))


async def blocks(request: web.Request) -> web.Response:
    """GET /api/v1/instance/domain_blocks: the moderated servers with the reasons given."""
    async with request.app[GATEWAY].pool.acquire() as conn:
        rows = await public_blocks(conn)
    return answer(
        [
            entities.DomainBlock(
                domain=row.domain,
                digest=hashlib.sha256(row.domain.encode()).hexdigest(),
                severity=row.severity,
                comment=row.comment,
            )
            for row in rows
        ]
    )


async def nothing_kept(_request: web.Request) -> web.Response:
    """GET: a list that this server keeps nothing in."""
    return answer([])


async def extended_description(_request: web.Request) -> web.Response:
    """GET /api/v1/instance/extended_description."""
    return answer(entities.ExtendedDescription(content=f"<p>{DESCRIPTION}</p>"))


async def translation_languages(_request: web.Request) -> web.Response:
    """GET /api/v1/instance/translation_languages: nothing is translated here."""
    return answer({})


async def health(_request: web.Request) -> web.Response:
    """GET /health, as clients of the field ask it."""
    return web.Response(text="OK")
