"""Edits: new contents, earlier versions, polls' counts, and who is told."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection, json_text
from shared.protocol.objects import Attachment, Emoji, Poll


class Version(Struct, frozen=True, kw_only=True):
    """What a post looked like from `created_at` on, until its next version."""

    status_id: int
    created_at: datetime
    content: str
    spoiler_text: str
    sensitive: bool
    attachments: tuple[Attachment, ...]
    emojis: tuple[Emoji, ...]


async def insert(conn: Connection, versions: Sequence[Version]) -> None:
    """Add versions to the history of posts, wherever in it they belong."""
    await conn.execute(
        """
        INSERT INTO status_edits
               (status_id, created_at, content, spoiler_text, sensitive, attachments, emojis)
        SELECT status_id, created_at, content, spoiler_text, sensitive, attachments::jsonb, emojis::jsonb
          FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::boolean[], $6::text[],
                      $7::text[])
               AS n (status_id, created_at, content, spoiler_text, sensitive, attachments, emojis)
            ON CONFLICT DO NOTHING
        """,
        [v.status_id for v in versions],
        [v.created_at for v in versions],
        [v.content for v in versions],
        [v.spoiler_text for v in versions],
        [v.sensitive for v in versions],
        [json_text(v.attachments) for v in versions],
        [json_text(v.emojis) for v in versions],
    )


class Revision(Struct, frozen=True, kw_only=True):
    """The new contents of a stored post; `edited_at` tells whether people are told of an edit."""

    id: int
    url: str
    title: str
    content: str
    source: str
    spoiler_text: str
    language: str | None
    sensitive: bool
    quote_uri: str | None
    attachments: tuple[Attachment, ...]
    emojis: tuple[Emoji, ...]
    poll: Poll | None
    edited_at: datetime


_KEEP_VERSION = """
INSERT INTO status_edits (status_id, created_at, content, spoiler_text, sensitive, attachments, emojis)
SELECT id, coalesce(edited_at, created_at), content, spoiler_text, sensitive, attachments, emojis
  FROM statuses
 WHERE id = ANY($1::bigint[]) AND deleted_at IS NULL
    ON CONFLICT DO NOTHING
"""


_REVISE = """
UPDATE statuses s SET
       url = n.url, title = n.title, content = n.content, source = n.source,
       spoiler_text = n.spoiler_text, language = n.language, sensitive = n.sensitive,
       quote_uri = n.quote_uri, attachments = n.attachments::jsonb, emojis = n.emojis::jsonb,
       poll = n.poll::jsonb,
       edited_at = n.edited_at
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
              $8::boolean[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[])
       AS n (id, url, title, content, source, spoiler_text, language, sensitive, quote_uri, attachments,
             emojis, poll, edited_at)
 WHERE s.id = n.id AND s.deleted_at IS NULL
"""


async def keep_versions(conn: Connection, status_ids: Sequence[int]) -> None:
    """Copy the present contents of these posts into their history."""
    await conn.execute(_KEEP_VERSION, list(status_ids))


async def revise(conn: Connection, revisions: Sequence[Revision]) -> None:
    """Give posts new contents; tombstones stay empty."""
    await conn.execute(
        _REVISE,
        [r.id for r in revisions],
        [r.url for r in revisions],
        [r.title for r in revisions],
        [r.content for r in revisions],
        [r.source for r in revisions],
        [r.spoiler_text for r in revisions],
        [r.language for r in revisions],
        [r.sensitive for r in revisions],
        [r.quote_uri for r in revisions],
        [json_text(r.attachments) for r in revisions],
        [json_text(r.emojis) for r in revisions],
        [json_text(r.poll) for r in revisions],
        [r.edited_at for r in revisions],
    )


async def refresh_polls(conn: Connection, polls: Sequence[tuple[int, Poll]]) -> None:
    """Give posts the present counts of their polls; that is no edit."""
    await conn.execute(
        """
        UPDATE statuses s SET poll = n.poll::jsonb
          FROM unnest($1::bigint[], $2::text[]) AS n (id, poll)
         WHERE s.id = n.id AND s.deleted_at IS NULL AND s.poll IS NOT NULL
        """,
        [status_id for status_id, _ in polls],
        [json_text(poll) for _, poll in polls],
    )


class Quoting(Struct, frozen=True, kw_only=True):
    """A post of somebody here that quotes another, of `author_id`, with consent."""

    quoted_id: int
    author_id: int
    account_id: int
    status_id: int


async def quotes_here(conn: Connection, status_ids: Sequence[int]) -> list[Quoting]:
    """Return the posts of local accounts that quote these posts."""
    rows = await conn.fetch(
        """
        SELECT s.id AS quoted_id, s.actor_id AS author_id, w.actor_id AS account_id, w.id AS status_id
          FROM statuses s
          JOIN quotes q ON q.quoted_hash = s.uri_hash AND q.state = 1
          JOIN statuses w ON w.uri_hash = q.quoting_hash AND w.local AND w.deleted_at IS NULL
         WHERE s.id = ANY($1::bigint[])
        """,
        list(status_ids),
    )
    return [Quoting(**dict(row)) for row in rows]


async def boosters_here(conn: Connection, status_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Return (post, account) for the local accounts that boosted these posts."""
    rows = await conn.fetch(
        """
        SELECT s.reblog_of_id, s.actor_id FROM statuses s
         WHERE s.reblog_of_id = ANY($1::bigint[]) AND s.local AND s.deleted_at IS NULL
        """,
        list(status_ids),
    )
    return [(row["reblog_of_id"], row["actor_id"]) for row in rows]
