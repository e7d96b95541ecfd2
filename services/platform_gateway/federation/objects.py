"""Posts, the activities that made them, and what was said in answer."""

from typing import Protocol

from aiohttp import web

from services.platform_gateway.federation.activities import activity_of
from services.platform_gateway.federation.documents import cursor, document, for_people, missing
from services.platform_gateway.federation.fetcher import admit, identify_if_signed, note_fetch
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import path_id
from shared.database.document_posts import DocumentPost, PostRef, post_by_id, public_replies, thread_of
from shared.database.pool import Connection
from shared.database.visible import visible_to
from shared.protocol import writer
from shared.protocol.objects import Visibility

PAGE = 50


class ReadRefs(Protocol):
    """Reads the members of a post's collection behind a cursor."""

    async def __call__(self, conn: Connection, status_id: int, *, after: int, limit: int) -> list[PostRef]:
        """Return at most `limit` members."""


async def show(request: web.Request) -> web.Response:
    """Answer `GET /objects/{id}`: the post, its tombstone with 410, or 404 for whom it is not."""
    post = await _readable(request)
    if post.boost_of is not None:
        raise missing()
    if _is_gone(post):
        return _tombstone(request, post)
    note_fetch(request, post.note.id)
    body = writer.write_note(post.note)
    return document(request, body, private=_is_private(post))


async def show_activity(request: web.Request) -> web.Response:
    """Answer `GET /objects/{id}/activity`: the Create of a post, the Announce of a boost."""
    post = await _readable(request)
    if _is_gone(post):
        return _tombstone(request, post)
    note_fetch(request, post.note.id)
    body = writer.write_activity(activity_of(post, request.app[GATEWAY].site.uris))
    return document(request, body, private=_is_private(post))


async def show_replies(request: web.Request) -> web.Response:
    """Answer `GET /objects/{id}/replies`: the direct answers that everybody may see, oldest first."""
    uri = request.app[GATEWAY].site.uris.replies(path_id(request))
    return await _members(request, uri, public_replies, ordered=False)


async def show_context(request: web.Request) -> web.Response:
    """Answer `GET /objects/{id}/context`: the thread that a post began, oldest first (FEP-7888)."""
    uri = request.app[GATEWAY].site.uris.context(path_id(request))
    return await _members(request, uri, thread_of, ordered=True)


async def _members(request: web.Request, uri: str, read: ReadRefs, *, ordered: bool) -> web.Response:
    """Answer with a collection of a post, or with one of its pages."""
    post = await _readable(request)
    if _is_gone(post):
        raise missing()
    if "page" not in request.query:
        return document(request, writer.write_collection(uri, first=f"{uri}?page=true", ordered=ordered))
    after = cursor(request, "after") or 0
    async with request.app[GATEWAY].pool.acquire() as conn:
        members = await read(conn, post.id, after=after, limit=PAGE)
    body = writer.write_collection_page(
        f"{uri}?page=true&after={after}" if after else f"{uri}?page=true",
        part_of=uri,
        items=[member.uri for member in members],
        following=f"{uri}?page=true&after={members[-1].id}" if len(members) == PAGE else "",
        ordered=ordered,
    )
    return document(request, body, private=_is_private(post))


async def _readable(request: web.Request) -> DocumentPost:
    """Return the post in the path if this reader may have it; a person is sent to its page."""
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        post = await post_by_id(conn, path_id(request))
    if post is None or not post.federated:
        raise missing()
    if _is_private(post):
        await _admit_to_private(request, post)
        return post
    if post.boost_of is None and not _is_gone(post):
        for_people(request, post.note.url)
    await admit(request)
    return post


async def _admit_to_private(request: web.Request, post: DocumentPost) -> None:
    """Let only those in whom the post is for; to everybody else it does not exist."""
    fetcher = await identify_if_signed(request)
    if fetcher is None:
        raise missing()
    async with request.app[GATEWAY].pool.acquire() as conn:
        if post.id not in await visible_to(conn, fetcher.actor_id, [post.id]):
            raise missing()


def _is_private(post: DocumentPost) -> bool:
    return post.visibility > Visibility.UNLISTED


def _is_gone(post: DocumentPost) -> bool:
    return post.deleted_at is not None or post.author_gone


def _tombstone(request: web.Request, post: DocumentPost) -> web.Response:
    body = writer.write_tombstone(
        post.note.id, former_type=post.note.type, deleted=post.deleted_at, published=post.note.published
    )
    return document(request, body, status=410)
