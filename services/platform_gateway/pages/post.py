"""A post on a page of its own, with what it answers and what was answered."""

from collections.abc import Sequence

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.negotiation import Form, wanted_form
from services.platform_gateway.pages.rendering import render
from services.platform_gateway.parameters import path_id
from services.platform_gateway.rendering.statuses import quote_state
from shared.database.api_quotes import views
from shared.database.page_posts import PagePost
from shared.database.page_profiles import PageProfile, profile_by_name
from shared.database.page_threads import LocalPost, ancestor_ids, descendant_ids, local_post, posts_by_id
from shared.database.pool import Connection
from shared.protocol.text import excerpt


class Reply(Struct, frozen=True):
    """An answer, and how many answers lie between it and the post: 1 for a direct one."""

    post: PagePost
    depth: int


class Thread(Struct, frozen=True):
    """A post and what is around it."""

    post: PagePost
    profile: PageProfile
    ancestors: list[PagePost]
    replies: list[Reply]
    quoted: PagePost | None


async def show(request: web.Request) -> web.Response:
    """Answer `GET /@{name}/{id}`; a server that asks here is sent to the post's id."""
    gateway = request.app[GATEWAY]
    status_id, name = path_id(request), request.match_info["name"]
    async with gateway.pool.acquire() as conn:
        found = _presentable(await local_post(conn, status_id), name)
        if found.boost_of is not None:
            raise web.HTTPFound(found.boost_of)
        thread = await _read(conn, status_id, name)
    if wanted_form(request, Form.PAGE) is Form.DOCUMENT:
        raise web.HTTPFound(thread.post.uri, headers={"Vary": "Accept"})
    post, profile = thread.post, thread.profile
    context = {
        "post": post,
        "federated": profile.federated,
        "indexable": profile.indexable and not post.visibility,
        "description": post.spoiler_text or excerpt(post.content) or f"A post by {post.author.name}.",
        "page_url": gateway.site.uris.post_page(post.author.username, post.id),
        "ancestors": thread.ancestors,
        "replies": thread.replies,
        "quoted": thread.quoted,
    }
    response = render(request, "post.html", context)
    response.headers["Vary"] = "Accept"
    return response


def _presentable(found: LocalPost | None, name: str) -> LocalPost:
    """Return the post if everybody may see it at this address; raises HTTPNotFound or HTTPGone."""
    if found is None or not found.visible or found.username.lower() != name.lower():
        raise web.HTTPNotFound
    if found.deleted or found.author_gone:
        raise web.HTTPGone
    return found


async def _read(conn: Connection, status_id: int, name: str) -> Thread:
    above = await ancestor_ids(conn, status_id)
    below = await descendant_ids(conn, status_id)
    posts = {post.id: post for post in await posts_by_id(conn, [status_id, *above, *below])}
    profile = await profile_by_name(conn, name)
    if profile is None or status_id not in posts:
        raise web.HTTPNotFound
    ancestors = [posts[post_id] for post_id in reversed(above) if post_id in posts]
    answers = [posts[post_id] for post_id in sorted(below) if post_id in posts]
    quoted = await _quoted(conn, posts[status_id])
    return Thread(posts[status_id], profile, ancestors, arrange(status_id, answers), quoted)


async def _quoted(conn: Connection, post: PagePost) -> PagePost | None:
    """Return the post that a post quotes, where it is here, for everybody, and quoted with consent."""
    if not post.quote_uri:
        return None
    view = (await views(conn, None, {post.id: post.quote_uri})).get(post.id)
    if view is None or view.quoted_id is None or not view.shown or quote_state(view) != "accepted":
        return None
    return next(iter(await posts_by_id(conn, [view.quoted_id])), None)


def arrange(root: int, answers: Sequence[PagePost]) -> list[Reply]:
    """Return answers so that each stands below what it answers; one whose parent is hidden is left out."""
    children: dict[int, list[PagePost]] = {}
    for answer in answers:
        if answer.parent_id is not None:
            children.setdefault(answer.parent_id, []).append(answer)
    arranged: list[Reply] = []
    waiting = [Reply(post, 1) for post in reversed(children.get(root, []))]
    while waiting:
        reply = waiting.pop()
        arranged.append(reply)
        waiting.extend(Reply(post, reply.depth + 1) for post in reversed(children.get(reply.post.id, [])))
    return arranged
