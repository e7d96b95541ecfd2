"""Posts as the client API shows them: everything about many of them in two queries."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.objects import Attachment, Emoji, Poll, QuotePolicy, Visibility


class MentionRow(Struct, frozen=True):
    """An actor named in a post."""

    id: int
    username: str
    domain: str
    url: str


class StatusRow(Struct, frozen=True, kw_only=True):
    """A post, or a boost where `reblog_of_id` is set; `tags` are as written."""

    id: int
    uri: str
    url: str
    local: bool
    actor_id: int
    reblog_of_id: int | None
    in_reply_to_id: int | None
    in_reply_to_actor_id: int | None
    conversation_id: int
    object_type: str
    title: str
    content: str
    source: str
    spoiler_text: str
    language: str | None
    visibility: Visibility
    sensitive: bool
    attachments: tuple[Attachment, ...]
    emojis: tuple[Emoji, ...]
    poll: Poll | None
    quote_uri: str | None
    quote_policy: QuotePolicy
    application: str
    replies_count: int
    reblogs_count: int
    favourites_count: int
    quotes_count: int
    created_at: datetime
    edited_at: datetime | None
    tags: tuple[str, ...]
    mentions: tuple[MentionRow, ...]


class Marks(Struct, frozen=True):
    """What a viewer did with a post."""

    favourited: bool
    reblogged: bool
    bookmarked: bool
    pinned: bool
    votes: tuple[int, ...] = ()


_SELECT = """
SELECT s.id, s.uri, s.url, s.local, s.actor_id, s.reblog_of_id, s.in_reply_to_id, s.in_reply_to_actor_id,
       s.conversation_id, s.object_type, s.title, s.content, s.source, s.spoiler_text, s.language,
       s.visibility, s.sensitive, s.attachments, s.emojis, s.poll, s.quote_uri, s.quote_policy, s.application,
       s.replies_count, s.reblogs_count, s.favourites_count, s.created_at, s.edited_at,
       (SELECT count(*) FROM quotes q WHERE q.quoted_hash = s.uri_hash AND q.state = 1) AS quotes_count,
       ARRAY(SELECT t.name FROM status_tags t WHERE t.status_id = s.id ORDER BY t.name) AS tags,
       (SELECT jsonb_agg(jsonb_build_object('id', a.id, 'username', a.username, 'domain', a.domain,
                                            'url', coalesce(nullif(a.url, ''), a.uri)) ORDER BY a.id)
          FROM mentions m JOIN actors a ON a.id = m.actor_id
         WHERE m.status_id = s.id AND a.deleted_at IS NULL) AS mentions
"""

_BY_ID = f"""{_SELECT}
  FROM statuses s
 WHERE s.deleted_at IS NULL
   AND s.id = ANY($1::bigint[] || ARRAY(SELECT b.reblog_of_id FROM statuses b
                                         WHERE b.id = ANY($1::bigint[]) AND b.reblog_of_id IS NOT NULL))
"""  # noqa: S608 - constants


def _status(row: Record) -> StatusRow:
    values = dict(row)
    values["visibility"] = Visibility(row["visibility"])
    values["quote_policy"] = QuotePolicy(row["quote_policy"])
    values["attachments"] = msgspec.convert(row["attachments"], tuple[Attachment, ...])
    values["emojis"] = msgspec.convert(row["emojis"], tuple[Emoji, ...])
    values["poll"] = None if row["poll"] is None else msgspec.convert(row["poll"], Poll)
    values["tags"] = tuple(row["tags"])
    values["mentions"] = msgspec.convert(row["mentions"] or (), tuple[MentionRow, ...])
    return StatusRow(**values)


async def statuses_by_id(conn: Connection, ids: Collection[int]) -> dict[int, StatusRow]:
    """Return the posts of these ids that are still there, and the posts that boosts among them share."""
    if not ids:
        return {}
    rows = await conn.fetch(_BY_ID, list(ids))
    return {row["id"]: _status(row) for row in rows}


async def marks_of(conn: Connection, viewer_id: int, ids: Collection[int]) -> dict[int, Marks]:
    """Return what a viewer did with each of these posts."""
    rows = await conn.fetch(
        """
        SELECT w.id,
               EXISTS (SELECT FROM favourites f WHERE f.status_id = w.id AND f.actor_id = $1) AS favourited,
               EXISTS (SELECT FROM statuses b WHERE b.reblog_of_id = w.id AND b.actor_id = $1
                                                AND b.deleted_at IS NULL) AS reblogged,
               EXISTS (SELECT FROM bookmarks k WHERE k.status_id = w.id AND k.actor_id = $1) AS bookmarked,
               EXISTS (SELECT FROM pins p WHERE p.status_id = w.id AND p.actor_id = $1) AS pinned,
               ARRAY(SELECT v.choice FROM poll_votes v WHERE v.status_id = w.id AND v.actor_id = $1
                      ORDER BY v.choice) AS votes
          FROM unnest($2::bigint[]) AS w (id)
        """,
        viewer_id,
        list(ids),
    )
    return {row["id"]: _marks(row) for row in rows}


def _marks(row: Record) -> Marks:
    return Marks(row["favourited"], row["reblogged"], row["bookmarked"], row["pinned"], tuple(row["votes"]))


class EditRow(Struct, frozen=True, kw_only=True):
    """An earlier version of a post."""

    created_at: datetime
    content: str
    spoiler_text: str
    sensitive: bool
    attachments: tuple[Attachment, ...]
    emojis: tuple[Emoji, ...]


async def edits_of(conn: Connection, status_id: int) -> Sequence[EditRow]:
    """Return the earlier versions of a post, the oldest first."""
    rows = await conn.fetch(
        """
        SELECT created_at, content, spoiler_text, sensitive, attachments, emojis
          FROM status_edits WHERE status_id = $1 ORDER BY created_at
        """,
        status_id,
    )
    return [
        EditRow(
            created_at=row["created_at"],
            content=row["content"],
            spoiler_text=row["spoiler_text"],
            sensitive=row["sensitive"],
            attachments=msgspec.convert(row["attachments"], tuple[Attachment, ...]),
            emojis=msgspec.convert(row["emojis"], tuple[Emoji, ...]),
        )
        for row in rows
    ]
