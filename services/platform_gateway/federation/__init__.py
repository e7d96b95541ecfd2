"""What other servers read: WebFinger, NodeInfo, actors, collections, posts."""

from aiohttp import web

from services.platform_gateway.federation import actors, collections, discovery, objects, quotes
from services.platform_gateway.federation.documents import only_post
from services.platform_gateway.federation.fetch_ledger import keep_ledger
from services.platform_gateway.federation.fetcher import BLOCKS
from services.platform_gateway.gateway import GATEWAY
from shared.resolution import DomainBlocks


def add_routes(app: web.Application) -> None:
    """Add every document; inboxes are posted to elsewhere and answer a GET with 405."""
    app[BLOCKS] = DomainBlocks(app[GATEWAY].pool)
    app.cleanup_ctx.append(keep_ledger)
    app.router.add_get("/.well-known/webfinger", discovery.webfinger)
    app.router.add_get("/.well-known/host-meta", discovery.host_meta)
    app.router.add_get("/.well-known/host-meta.json", discovery.host_meta_json)
    app.router.add_get("/.well-known/nodeinfo", discovery.nodeinfo_links)
    app.router.add_get("/nodeinfo/{version}", discovery.nodeinfo)
    app.router.add_get("/actor", actors.show_instance)
    app.router.add_get("/actor/outbox", actors.instance_outbox)
    app.router.add_get("/users/{id}", actors.show)
    app.router.add_get("/users/{id}/outbox", collections.outbox)
    app.router.add_get("/users/{id}/followers", collections.followers)
    app.router.add_get("/users/{id}/followers_synchronization", collections.own_followers)
    app.router.add_get("/users/{id}/following", collections.following)
    app.router.add_get("/users/{id}/collections/featured", collections.featured)
    app.router.add_get("/users/{id}/collections/tags", collections.featured_tags)
    app.router.add_get("/objects/{id}", objects.show)
    app.router.add_get("/quotes/{id}", quotes.show)
    app.router.add_get("/objects/{id}/activity", objects.show_activity)
    app.router.add_get("/objects/{id}/replies", objects.show_replies)
    app.router.add_get("/objects/{id}/context", objects.show_context)
    for inbox in ("/inbox", "/actor/inbox", "/users/{id}/inbox"):
        app.router.add_route("*", inbox, only_post)
