"""Posts as pages show them: only what everybody may see."""

from datetime import datetime

import msgspec
from asyncpg import Record
from msgspec import Struct

from shared.database.page_actors import PageActor, actor_columns, actor_of
from shared.database.paging import Page
from shared.database.pool import Connection
from shared.protocol.objects import Attachment, Emoji, Poll, Visibility


class PagePost(Struct, frozen=True, kw_only=True):
    """A post as a list shows it; `row_id` is the boost's where `booster` brought it here.

    `parent_id` is the post it answers, where that is known here.
    """

    row_id: int
    id: int
    uri: str
    url: str
    local: bool
    author: PageActor
    booster: PageActor | None
    title: str
    content: str
    spoiler_text: str
    language: str | None
    visibility: Visibility
    sensitive: bool
    attachments: tuple[Attachment, ...]
    emojis: tuple[Emoji, ...]
    poll: Poll | None
    is_reply: bool
    parent_id: int | None
    quote_uri: str | None
    replies_count: int
    reblogs_count: int
    favourites_count: int
    created_at: datetime
    edited_at: datetime | None


_emojis = msgspec.json.Decoder(tuple[Emoji, ...])
_attachments = msgspec.json.Decoder(tuple[Attachment, ...])
_poll = msgspec.json.Decoder(Poll)

_POST_COLUMNS = f"""
       s.id AS row_id, p.id, p.uri, p.url, p.local, p.title, p.content, p.spoiler_text, p.language,
       p.visibility, p.sensitive, p.attachments::text AS attachments, p.emojis::text AS emojis,
       p.poll::text AS poll, p.in_reply_to_uri IS NOT NULL AS is_reply, p.in_reply_to_id AS parent_id,
       p.quote_uri,
       p.replies_count, p.reblogs_count, p.favourites_count, p.created_at, p.edited_at,
       {actor_columns("a")}, {actor_columns("b")}
"""

VISIBLE_POSTS = f"""
SELECT {_POST_COLUMNS}
  FROM statuses s
  JOIN statuses p ON p.id = coalesce(s.reblog_of_id, s.id)
  JOIN actors a ON a.id = p.actor_id
  JOIN actors b ON b.id = s.actor_id
 WHERE s.deleted_at IS NULL AND p.deleted_at IS NULL
   AND a.deleted_at IS NULL AND a.suspended_at IS NULL
   AND s.visibility <= {Visibility.UNLISTED.value} AND p.visibility <= {Visibility.UNLISTED.value}
"""  # noqa: S608 - constant columns and numbers
"""Posts and boosts that everybody may see, to be narrowed down with `AND`."""


def post_of(row: Record) -> PagePost:
    """Return the post in a row of `VISIBLE_POSTS`."""
    return PagePost(
        row_id=row["row_id"],
        id=row["id"],
        uri=row["uri"],
        url=row["url"] or row["uri"],
        local=row["local"],
        author=actor_of(row, "a"),
        booster=None if row["row_id"] == row["id"] else actor_of(row, "b"),
        title=row["title"],
        content=row["content"],
        spoiler_text=row["spoiler_text"],
        language=row["language"],
        visibility=Visibility(row["visibility"]),
        sensitive=row["sensitive"],
        attachments=_attachments.decode(row["attachments"]),
        emojis=_emojis.decode(row["emojis"]),
        poll=None if row["poll"] is None else _poll.decode(row["poll"]),
        is_reply=row["is_reply"],
        parent_id=row["parent_id"],
        quote_uri=row["quote_uri"],
        replies_count=row["replies_count"],
        reblogs_count=row["reblogs_count"],
        favourites_count=row["favourites_count"],
        created_at=row["created_at"],
        edited_at=row["edited_at"],
    )


_OF_ACTOR = f"""{VISIBLE_POSTS}
   AND s.actor_id = $1 AND ($2 OR s.in_reply_to_uri IS NULL) AND s.id < $3 AND s.id > $4
 ORDER BY s.id :order LIMIT $5
"""


async def posts_of_actor(conn: Connection, actor_id: int, page: Page, *, replies: bool) -> list[PagePost]:
    """Return the posts and boosts of an actor that everybody may see, newest first."""
    rows = await conn.fetch(page.query(_OF_ACTOR), actor_id, replies, page.below, page.above, page.limit)
    return page.newest_first([post_of(row) for row in rows])


_PUBLIC_LOCAL = f"""{VISIBLE_POSTS}
   AND s.visibility = {Visibility.PUBLIC.value} AND s.reblog_of_id IS NULL AND s.in_reply_to_uri IS NULL
   AND s.local AND s.id < $1 AND s.id > $2
 ORDER BY s.id :order LIMIT $3
"""


async def public_local_posts(conn: Connection, page: Page) -> list[PagePost]:
    """Return the newest public posts written here."""
    rows = await conn.fetch(page.query(_PUBLIC_LOCAL), page.below, page.above, page.limit)
    return page.newest_first([post_of(row) for row in rows])


_TAGGED = f"""{VISIBLE_POSTS}
   AND s.visibility = {Visibility.PUBLIC.value} AND s.reblog_of_id IS NULL AND s.id < $2 AND s.id > $3
   AND s.id IN (SELECT status_id FROM status_tags WHERE tag = $1)
 ORDER BY s.id :order LIMIT $4
"""  # noqa: S608 - constant columns


async def tagged_posts(conn: Connection, tag: str, page: Page) -> list[PagePost]:
    """Return the newest public posts with a hashtag (normalised)."""
    rows = await conn.fetch(page.query(_TAGGED), tag, page.below, page.above, page.limit)
    return page.newest_first([post_of(row) for row in rows])
