"""Actors: accounts that share, and the instance actor, whom anybody may fetch unsigned."""

from aiohttp import web
from msgspec.structs import replace

from services.platform_gateway.federation.documents import document, for_people, gone, missing
from services.platform_gateway.federation.fetcher import admit
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import path_id
from shared.database.document_actors import DocumentActor, actor_by_id, actor_by_uri
from shared.protocol import writer


async def shared_actor(request: web.Request) -> DocumentActor:
    """Return the account in the path, if it is there for other servers; raises ApiError 404 or 410."""
    async with request.app[GATEWAY].pool.acquire() as conn:
        found = await actor_by_id(conn, path_id(request))
    if found is None or not found.federated or found.profile.id == _instance_uri(request):
        raise missing()
    if found.gone:
        raise gone()
    return found


async def show(request: web.Request) -> web.Response:
    """Answer `GET /users/{id}`; a person who opens it is sent to the profile page."""
    found = await shared_actor(request)
    for_people(request, found.profile.url)
    await admit(request)
    tags = request.app[GATEWAY].site.uris.featured_tags(found.id)
    return document(request, writer.write_actor(replace(found.profile, featured_tags=tags)))


async def show_instance(request: web.Request) -> web.Response:
    """Answer `GET /actor`: never asks for a signature, or two secure servers would wait for each other."""
    for_people(request, "/")
    async with request.app[GATEWAY].pool.acquire() as conn:
        found = await actor_by_uri(conn, _instance_uri(request))
    if found is None:
        raise missing()
    return document(request, writer.write_actor(found.profile))


async def instance_outbox(request: web.Request) -> web.Response:
    """Answer `GET /actor/outbox`: the instance actor publishes nothing."""
    uri = request.app[GATEWAY].site.uris.instance_outbox
    return document(request, writer.write_collection(uri, total=0, items=()))


def _instance_uri(request: web.Request) -> str:
    return request.app[GATEWAY].site.uris.instance_actor
