"""An account's collections: outbox, followers, following, and what it features."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.federation.activities import activity_of
from services.platform_gateway.federation.actors import shared_actor
from services.platform_gateway.federation.documents import cursor, document, for_people, missing
from services.platform_gateway.federation.fetcher import admit, identify
from services.platform_gateway.gateway import GATEWAY
from shared.database import document_actors
from shared.database.document_actors import DocumentActor, Linked
from shared.database.document_posts import featured_posts, outbox_page, outbox_size
from shared.database.featured_tags import of_account as tags_of_account
from shared.database.follower_digests import followers_on
from shared.database.paging import Page
from shared.database.pool import Connection
from shared.protocol import writer
from shared.protocol.identifiers import host_of
from shared.protocol.objects import Hashtag
from shared.protocol.writer.collections import Item

OUTBOX_PAGE = 20
PEOPLE_PAGE = 100

ReadPeople = Callable[[Connection, int, Page], Awaitable[list[Linked]]]


class Slice(Struct, frozen=True):
    """A page's members, newest first, and the cursors of the first and the last."""

    items: Sequence[Item]
    newest: int
    oldest: int


async def outbox(request: web.Request) -> web.Response:
    """Answer `GET /users/{id}/outbox`: what everybody may see, as Create and Announce, newest first."""
    found = await _admitted(request)
    uris = request.app[GATEWAY].site.uris
    page = page_of(request, OUTBOX_PAGE)
    async with request.app[GATEWAY].pool.acquire() as conn:
        if page is None:
            return _whole(request, uris.outbox(found.id), await outbox_size(conn, found.id))
        posts = await outbox_page(conn, found.id, page)
    items = [activity_of(post, uris) for post in posts]
    members = Slice(items, posts[0].id if posts else 0, posts[-1].id if posts else 0)
    return _page(request, uris.outbox(found.id), page, members)


async def followers(request: web.Request) -> web.Response:
    """Answer `GET /users/{id}/followers`."""
    found = await _admitted(request)
    uri = request.app[GATEWAY].site.uris.followers(found.id)
    return await _people(request, found, uri, found.followers_count, document_actors.followers)


async def own_followers(request: web.Request) -> web.Response:
    """Answer `GET /users/{id}/followers_synchronization`: a server's own followers, for itself (FEP-8fcf).

    Whatever the settings, it takes a signature to say which server asks.
    """
    found = await shared_actor(request)
    fetcher = await identify(request)
    uri = request.app[GATEWAY].site.uris.followers_synchronization(found.id)
    async with request.app[GATEWAY].pool.acquire() as conn:
        people = await followers_on(conn, found.id, host_of(fetcher.actor_uri))
    return document(request, writer.write_collection(uri, items=people), private=True)


async def following(request: web.Request) -> web.Response:
    """Answer `GET /users/{id}/following`."""
    found = await _admitted(request)
    uri = request.app[GATEWAY].site.uris.following(found.id)
    return await _people(request, found, uri, found.following_count, document_actors.following)


async def featured(request: web.Request) -> web.Response:
    """Answer `GET /users/{id}/collections/featured`: the pinned posts, embedded."""
    found = await _admitted(request)
    uri = request.app[GATEWAY].site.uris.featured(found.id)
    async with request.app[GATEWAY].pool.acquire() as conn:
        posts = [post.note for post in await featured_posts(conn, found.id)]
    return document(request, writer.write_collection(uri, total=len(posts), items=posts))


async def featured_tags(request: web.Request) -> web.Response:
    """Answer `GET /users/{id}/collections/tags`: the hashtags on the profile."""
    found = await _admitted(request)
    uri = request.app[GATEWAY].site.uris.featured_tags(found.id)
    async with request.app[GATEWAY].pool.acquire() as conn:
        shown = [Hashtag(name=one.name) for one in await tags_of_account(conn, found.id)]
    return document(request, writer.write_collection(uri, total=len(shown), items=shown, ordered=False))


def page_of(request: web.Request, limit: int) -> Page | None:
    """Return the page that the address asks for; None for the collection itself."""
    if "page" not in request.query:
        return None
    return Page(limit=limit, max_id=cursor(request, "max_id"), min_id=cursor(request, "min_id"))


async def _admitted(request: web.Request) -> DocumentActor:
    found = await shared_actor(request)
    for_people(request, found.profile.url)
    await admit(request)
    return found


async def _people(
    request: web.Request, found: DocumentActor, uri: str, total: int, read: ReadPeople
) -> web.Response:
    page = page_of(request, PEOPLE_PAGE)
    if found.hides_collections and page is not None:
        raise missing()
    if found.hides_collections:
        return document(request, writer.write_collection(uri, total=total))
    if page is None:
        return _whole(request, uri, total)
    async with request.app[GATEWAY].pool.acquire() as conn:
        people = await read(conn, found.id, page)
    members = Slice(
        [person.uri for person in people],
        people[0].cursor if people else 0,
        people[-1].cursor if people else 0,
    )
    return _page(request, uri, page, members)


def _whole(request: web.Request, uri: str, total: int) -> web.Response:
    body = writer.write_collection(
        uri, total=total, first=f"{uri}?page=true", last=f"{uri}?page=true&min_id=0"
    )
    return document(request, body)


def _page(request: web.Request, uri: str, page: Page, members: Slice) -> web.Response:
    start = f"{uri}?page=true"
    where = next(
        (
            f"&{name}={value}"
            for name, value in (("max_id", page.max_id), ("min_id", page.min_id))
            if value is not None
        ),
        "",
    )
    full = len(members.items) >= page.limit
    body = writer.write_collection_page(
        f"{start}{where}",
        part_of=uri,
        items=members.items,
        following=f"{start}&max_id={members.oldest}" if full and page.min_id != 0 else "",
        previous=f"{start}&min_id={members.newest}" if members.items and where else "",
    )
    return document(request, body)
