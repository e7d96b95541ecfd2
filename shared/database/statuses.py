"""Posts and boosts: rows that are written once, edited in place and emptied into tombstones."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection, json_text
from shared.protocol.identifiers import uri_hash
from shared.protocol.objects import Attachment, Emoji, Poll, QuotePolicy, Visibility


class NewStatus(Struct, frozen=True, kw_only=True):
    """A post to store. `conversation_id` is the post's own id where it begins a thread.

    `quote_policy` is that of a post from here, `quote_terms` (packed) what the author of another says.
    """

    id: int
    uri: str
    local: bool
    actor_id: int
    conversation_id: int
    visibility: Visibility
    created_at: datetime
    url: str = ""
    in_reply_to_id: int | None = None
    in_reply_to_actor_id: int | None = None
    in_reply_to_uri: str | None = None
    object_type: str = "Note"
    title: str = ""
    content: str = ""
    source: str = ""
    spoiler_text: str = ""
    language: str | None = None
    sensitive: bool = False
    quote_uri: str | None = None
    attachments: tuple[Attachment, ...] = ()
    emojis: tuple[Emoji, ...] = ()
    poll: Poll | None = None
    application: str = ""
    edited_at: datetime | None = None
    quote_policy: QuotePolicy = QuotePolicy.PUBLIC
    quote_terms: int | None = None


class NewBoost(Struct, frozen=True, kw_only=True):
    """A boost to store: a row of its own that points at a post."""

    id: int
    uri: str
    local: bool
    actor_id: int
    reblog_of_id: int
    conversation_id: int
    visibility: Visibility
    created_at: datetime


class StatusRow(Struct, frozen=True, kw_only=True):
    """What deciding about a post needs, without its texts."""

    id: int
    uri: str
    local: bool
    actor_id: int
    reblog_of_id: int | None
    in_reply_to_id: int | None
    in_reply_to_actor_id: int | None
    conversation_id: int
    visibility: Visibility
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


_COLUMNS = """
       id, uri, local, actor_id, reblog_of_id, in_reply_to_id, in_reply_to_actor_id, conversation_id,
       visibility, created_at, edited_at, deleted_at
"""


def status_of(row: Record) -> StatusRow:
    """Return the status in a row that has the columns of `StatusRow`."""
    return StatusRow(
        id=row["id"],
        uri=row["uri"],
        local=row["local"],
        actor_id=row["actor_id"],
        reblog_of_id=row["reblog_of_id"],
        in_reply_to_id=row["in_reply_to_id"],
        in_reply_to_actor_id=row["in_reply_to_actor_id"],
        conversation_id=row["conversation_id"],
        visibility=Visibility(row["visibility"]),
        created_at=row["created_at"],
        edited_at=row["edited_at"],
        deleted_at=row["deleted_at"],
    )


async def by_uris(conn: Connection, uris: Sequence[str]) -> dict[str, StatusRow]:
    """Return those of these posts and boosts that are known, by URI; tombstones too."""
    rows = await conn.fetch(
        f"""
        SELECT {_COLUMNS}
          FROM unnest($1::bytea[]) AS n (hash)
         CROSS JOIN LATERAL (SELECT * FROM statuses t WHERE t.uri_hash = n.hash OFFSET 0) s
        """,  # noqa: S608 - constant columns
        [uri_hash(uri) for uri in uris],
    )
    return {row["uri"]: status_of(row) for row in rows}


async def by_uri(conn: Connection, uri: str) -> StatusRow | None:
    """Return the post or boost with this URI; a tombstone too."""
    return (await by_uris(conn, [uri])).get(uri)


async def by_id(conn: Connection, status_id: int) -> StatusRow | None:
    """Return the post or boost with this id; a tombstone too."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM statuses WHERE id = $1",  # noqa: S608 - constant columns
        status_id,
    )
    return None if row is None else status_of(row)


_INSERT = """
INSERT INTO statuses
       (id, uri, uri_hash, url, local, actor_id, in_reply_to_id, in_reply_to_actor_id, in_reply_to_uri,
        conversation_id, object_type, title, content, source, spoiler_text, language, visibility, sensitive,
        quote_uri, attachments, emojis, poll, application, created_at, edited_at, quote_policy,
        quote_terms)
SELECT id, uri, uri_hash, url, local, actor_id, in_reply_to_id, in_reply_to_actor_id, in_reply_to_uri,
       conversation_id, object_type, title, content, source, spoiler_text, language, visibility, sensitive,
       quote_uri, attachments::jsonb, emojis::jsonb, poll::jsonb, application, created_at, edited_at,
       quote_policy, quote_terms
  FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[], $5::boolean[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[],
              $15::text[], $16::text[], $17::smallint[], $18::boolean[], $19::text[], $20::text[],
              $21::text[], $22::text[], $23::text[], $24::timestamptz[], $25::timestamptz[],
              $26::smallint[], $27::smallint[])
       AS n (id, uri, uri_hash, url, local, actor_id, in_reply_to_id, in_reply_to_actor_id,
             in_reply_to_uri, conversation_id, object_type, title, content, source, spoiler_text, language,
             visibility, sensitive, quote_uri, attachments, emojis, poll, application, created_at,
             edited_at, quote_policy, quote_terms)
    ON CONFLICT DO NOTHING
RETURNING id
"""


async def insert(conn: Connection, posts: Sequence[NewStatus]) -> set[int]:
    """Store posts and return the ids of the new ones: neither URI nor id was there; a tombstone stays one."""
    rows = await conn.fetch(
        _INSERT,
        [p.id for p in posts],
        [p.uri for p in posts],
        [uri_hash(p.uri) for p in posts],
        [p.url for p in posts],
        [p.local for p in posts],
        [p.actor_id for p in posts],
        [p.in_reply_to_id for p in posts],
        [p.in_reply_to_actor_id for p in posts],
        [p.in_reply_to_uri for p in posts],
        [p.conversation_id for p in posts],
        [p.object_type for p in posts],
        [p.title for p in posts],
        [p.content for p in posts],
        [p.source for p in posts],
        [p.spoiler_text for p in posts],
        [p.language for p in posts],
        [p.visibility for p in posts],
        [p.sensitive for p in posts],
        [p.quote_uri for p in posts],
        [json_text(p.attachments) for p in posts],
        [json_text(p.emojis) for p in posts],
        [json_text(p.poll) for p in posts],
        [p.application for p in posts],
        [p.created_at for p in posts],
        [p.edited_at for p in posts],
        [p.quote_policy for p in posts],
        [p.quote_terms for p in posts],
    )
    return {row["id"] for row in rows}


async def insert_boosts(conn: Connection, boosts: Sequence[NewBoost]) -> set[int]:
    """Store boosts and return the ids of the new ones: an actor boosts a post once, under one URI."""
    rows = await conn.fetch(
        """
        INSERT INTO statuses (id, uri, uri_hash, url, local, actor_id, reblog_of_id, conversation_id,
                              object_type, visibility, created_at)
        SELECT id, uri, uri_hash, uri, local, actor_id, reblog_of_id, conversation_id, 'Announce',
               visibility, created_at
          FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::boolean[], $5::bigint[], $6::bigint[],
                      $7::bigint[], $8::smallint[], $9::timestamptz[])
               AS n (id, uri, uri_hash, local, actor_id, reblog_of_id, conversation_id, visibility,
                     created_at)
            ON CONFLICT DO NOTHING
        RETURNING id
        """,
        [b.id for b in boosts],
        [b.uri for b in boosts],
        [uri_hash(b.uri) for b in boosts],
        [b.local for b in boosts],
        [b.actor_id for b in boosts],
        [b.reblog_of_id for b in boosts],
        [b.conversation_id for b in boosts],
        [b.visibility for b in boosts],
        [b.created_at for b in boosts],
    )
    return {row["id"] for row in rows}


async def boosts_by(conn: Connection, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return the ids of the boosts of these (actor, boosted post)."""
    rows = await conn.fetch(
        """
        SELECT s.actor_id, s.reblog_of_id, s.id
          FROM unnest($1::bigint[], $2::bigint[]) AS n (actor_id, status_id)
          JOIN statuses s ON s.reblog_of_id = n.status_id AND s.actor_id = n.actor_id
                         AND s.deleted_at IS NULL
        """,
        [actor for actor, _ in pairs],
        [status for _, status in pairs],
    )
    return {(row["actor_id"], row["reblog_of_id"]): row["id"] for row in rows}
