"""Local posts and boosts as other servers read them."""

from datetime import datetime

import msgspec
from asyncpg import Record
from msgspec import Struct

from shared.database.paging import Page
from shared.database.pool import Connection
from shared.database.quotes import QuoteState
from shared.protocol.addressing import audience_for
from shared.protocol.identifiers import PUBLIC, origin_of
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import Attachment, Emoji, Mention, Note, Poll, QuotePolicy, Visibility

_DENIED = frozenset({QuoteState.REJECTED, QuoteState.REVOKED})
_attachments = msgspec.json.Decoder(tuple[Attachment, ...])
_emojis = msgspec.json.Decoder(tuple[Emoji, ...])
_poll = msgspec.json.Decoder(Poll)


class DocumentPost(Struct, frozen=True, kw_only=True):
    """A local post, or a boost where `boost_of` is the post that it shares.

    `federated` and `author_gone` tell of the author; `deleted_at` makes it a tombstone.
    """

    id: int
    note: Note
    boost_of: str | None
    visibility: Visibility
    federated: bool
    author_gone: bool
    deleted_at: datetime | None


_POSTS = """
SELECT s.id, s.uri, s.url, s.object_type, a.uri AS author_uri, s.title, s.content, s.spoiler_text, s.language,
       s.visibility, s.sensitive, s.created_at, s.edited_at, s.deleted_at, s.in_reply_to_uri, s.quote_uri,
       s.quote_policy, q.state AS quote_state, q.stamp_uri,
       s.attachments::text AS attachments, s.emojis::text AS emojis, s.poll::text AS poll,
       a.followers_uri, c.federated, b.uri AS boost_of, b_author.uri AS boost_author,
       t.id AS thread_id,
       a.deleted_at IS NOT NULL OR a.suspended_at IS NOT NULL AS author_gone,
       ARRAY(SELECT m.actor_uri FROM mentions m WHERE m.status_id = s.id
              ORDER BY m.actor_uri) AS mention_uris,
       ARRAY(SELECT m.name FROM mentions m WHERE m.status_id = s.id
              ORDER BY m.actor_uri) AS mention_names,
       ARRAY(SELECT g.name FROM status_tags g WHERE g.status_id = s.id ORDER BY g.tag) AS hashtags
  FROM statuses s
  JOIN actors a ON a.id = s.actor_id
  JOIN accounts c ON c.actor_id = a.id
  LEFT JOIN statuses b ON b.id = s.reblog_of_id
  LEFT JOIN actors b_author ON b_author.id = b.actor_id
  LEFT JOIN quotes q ON q.quoting_hash = s.uri_hash AND q.quoted_uri = s.quote_uri
  LEFT JOIN statuses t ON t.id = s.conversation_id AND t.local AND t.visibility <= 1
 WHERE s.local
"""


def _note(row: Record) -> Note:
    mentions = tuple(
        Mention(href=uri, name=name)
        for uri, name in zip(row["mention_uris"], row["mention_names"], strict=True)
    )
    named = [row["boost_author"]] if row["boost_author"] else row["mention_uris"]
    uris = LocalUris(origin_of(row["uri"]))
    to, cc = audience_for(Visibility(row["visibility"]), row["followers_uri"], named)
    return Note(
        id=row["uri"],
        type=row["object_type"],
        attributed_to=row["author_uri"],
        content=row["content"],
        summary=row["spoiler_text"],
        name=row["title"],
        language=row["language"],
        published=row["created_at"],
        updated=row["edited_at"],
        url=row["url"],
        in_reply_to=row["in_reply_to_uri"],
        quote=None if row["quote_state"] in _DENIED else row["quote_uri"],
        quote_authorization=(row["stamp_uri"] or "") if row["quote_state"] == QuoteState.ACCEPTED else "",
        may_quote=_may_quote(row),
        sensitive=row["sensitive"],
        to=to,
        cc=cc,
        mentions=mentions,
        hashtags=tuple(row["hashtags"]),
        emojis=_emojis.decode(row["emojis"]),
        attachments=_attachments.decode(row["attachments"]),
        poll=None if row["poll"] is None else _poll.decode(row["poll"]),
        replies=uris.replies(row["id"]),
        context=uris.context(row["thread_id"]) if row["thread_id"] else "",
    )


def _may_quote(row: Record) -> tuple[str, ...]:
    """Return who may quote a post unasked: nobody else what is not open to all (FEP-044f)."""
    policy = QuotePolicy(row["quote_policy"])
    if row["visibility"] > Visibility.UNLISTED or policy is QuotePolicy.NOBODY:
        return ()
    return (PUBLIC,) if policy is QuotePolicy.PUBLIC else (row["followers_uri"],)


def _post(row: Record) -> DocumentPost:
    return DocumentPost(
        id=row["id"],
        note=_note(row),
        boost_of=row["boost_of"],
        visibility=Visibility(row["visibility"]),
        federated=row["federated"],
        author_gone=row["author_gone"],
        deleted_at=row["deleted_at"],
    )


async def post_by_id(conn: Connection, status_id: int) -> DocumentPost | None:
    """Return a local post or boost, deleted ones too."""
    row = await conn.fetchrow(f"{_POSTS} AND s.id = $1", status_id)
    return None if row is None else _post(row)


_OUTBOX = f"""{_POSTS}
   AND s.actor_id = $1 AND s.deleted_at IS NULL AND s.visibility <= {Visibility.UNLISTED.value}
   AND (b.id IS NULL OR b.deleted_at IS NULL)
   AND s.id < $2 AND s.id > $3
 ORDER BY s.id :order LIMIT $4
"""


async def outbox_page(conn: Connection, actor_id: int, page: Page) -> list[DocumentPost]:
    """Return the posts and boosts of a local actor that everybody may see, newest first."""
    rows = await conn.fetch(page.query(_OUTBOX), actor_id, page.below, page.above, page.limit)
    return page.newest_first([_post(row) for row in rows])


async def outbox_size(conn: Connection, actor_id: int) -> int:
    """Return how many posts and boosts of an actor everybody may see."""
    size: int = await conn.fetchval(
        """
        SELECT count(*) FROM statuses s LEFT JOIN statuses b ON b.id = s.reblog_of_id
         WHERE s.actor_id = $1 AND s.deleted_at IS NULL AND s.visibility <= 1
           AND (b.id IS NULL OR b.deleted_at IS NULL)
        """,
        actor_id,
    )
    return size


_FEATURED = f"""{_POSTS}
   AND s.id IN (SELECT p.status_id FROM pins p WHERE p.actor_id = $1)
   AND s.deleted_at IS NULL AND s.visibility <= {Visibility.UNLISTED.value}
 ORDER BY s.id DESC
"""  # noqa: S608 - constants


async def featured_posts(conn: Connection, actor_id: int) -> list[DocumentPost]:
    """Return what a local actor pinned and everybody may see, newest first."""
    return [_post(row) for row in await conn.fetch(_FEATURED, actor_id)]


class PostRef(Struct, frozen=True):
    """A post that everybody may see."""

    id: int
    uri: str


_REFS = """
SELECT s.id, s.uri
  FROM statuses s
  JOIN actors a ON a.id = s.actor_id
  LEFT JOIN accounts c ON c.actor_id = a.id
 WHERE s.id > $2 AND s.deleted_at IS NULL AND s.visibility <= 1 AND s.reblog_of_id IS NULL
   AND a.deleted_at IS NULL AND a.suspended_at IS NULL AND (NOT s.local OR c.federated)
"""
"""Posts for everybody; local ones only of authors who share."""


async def public_replies(conn: Connection, status_id: int, *, after: int, limit: int) -> list[PostRef]:
    """Return the direct replies to a post, oldest first."""
    rows = await conn.fetch(
        f"{_REFS} AND s.in_reply_to_id = $1 ORDER BY s.id LIMIT $3", status_id, after, limit
    )
    return [PostRef(row["id"], row["uri"]) for row in rows]


async def thread_of(conn: Connection, status_id: int, *, after: int, limit: int) -> list[PostRef]:
    """Return the posts of the thread that a post began, itself included, oldest first."""
    rows = await conn.fetch(
        f"{_REFS} AND s.conversation_id = $1 ORDER BY s.id LIMIT $3", status_id, after, limit
    )
    return [PostRef(row["id"], row["uri"]) for row in rows]
