"""A person's page: who they are and what they said."""

from aiohttp import web

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.negotiation import Form, wanted_form
from services.platform_gateway.pages import paging
from services.platform_gateway.pages.rendering import render
from shared.database.page_posts import posts_of_actor
from shared.database.page_profiles import profile_by_name
from shared.protocol.text import excerpt


async def show(request: web.Request) -> web.Response:
    """Answer `GET /@{name}`; a server that asks here is sent to the actor's id."""
    gateway = request.app[GATEWAY]
    name = _local_name(request.match_info["name"], gateway.site.uris.account_domain)
    page = paging.page_of(request)
    replies = bool(request.query.get("replies"))
    async with gateway.pool.acquire() as conn:
        profile = await profile_by_name(conn, name)
        if profile is None:
            raise web.HTTPNotFound
        if wanted_form(request, Form.PAGE) is Form.DOCUMENT:
            raise web.HTTPFound(profile.actor.uri, headers={"Vary": "Accept"})
        if profile.gone:
            raise web.HTTPGone
        posts = await posts_of_actor(conn, profile.actor.id, page, replies=replies)
    links = paging.links(request, page, posts)
    context = {
        "profile": profile,
        "description": excerpt(profile.summary) or f"What {profile.actor.name} says on the fediverse.",
        "page_url": gateway.site.uris.profile_page(profile.actor.username),
        "replies": replies,
        "posts": paging.shown(page, posts),
        "older": links.older,
        "newer": links.newer,
    }
    response = render(request, "profile.html", context)
    response.headers["Vary"] = "Accept"
    if profile.federated:
        response.headers["Link"] = f'<{profile.actor.uri}>; rel="alternate"; type="application/activity+json"'
    return response


def _local_name(name: str, account_domain: str) -> str:
    """Return the name without our own domain; raises HTTPNotFound for somebody of another server."""
    local, _, domain = name.partition("@")
    if "\0" in name or (domain and domain.lower() != account_domain):
        raise web.HTTPNotFound
    return local
