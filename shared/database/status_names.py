"""Whom and which hashtags posts name."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.pool import Connection


class NewMention(Struct, frozen=True, kw_only=True):
    """A person named in a post; `actor_id` is empty while they are not known here."""

    status_id: int
    actor_uri: str
    actor_id: int | None
    name: str = ""


async def insert_mentions(conn: Connection, mentions: Sequence[NewMention]) -> None:
    """Store who is named in posts that name nobody yet; naming somebody twice is once."""
    if not mentions:
        return
    unique = {(m.status_id, m.actor_uri): m for m in mentions}.values()
    await conn.execute(
        """
        INSERT INTO mentions (status_id, actor_uri, actor_id, name)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[])
        """,
        [m.status_id for m in unique],
        [m.actor_uri for m in unique],
        [m.actor_id for m in unique],
        [m.name for m in unique],
    )


class NewTag(Struct, frozen=True, kw_only=True):
    """A hashtag of a post: normalised, and as written."""

    status_id: int
    tag: str
    name: str


async def insert_tags(conn: Connection, tags: Sequence[NewTag]) -> None:
    """Store the hashtags of posts that have none yet; using one twice is once."""
    if not tags:
        return
    unique = {(t.status_id, t.tag): t for t in reversed(tags)}.values()
    await conn.execute(
        """
        INSERT INTO status_tags (tag, status_id, name)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
        """,
        [t.tag for t in unique],
        [t.status_id for t in unique],
        [t.name for t in unique],
    )


async def drop_mentions_and_tags(conn: Connection, status_ids: Sequence[int]) -> None:
    """Forget who and what these posts name, before an edit names them anew."""
    await conn.execute(
        """
        WITH tags AS (DELETE FROM status_tags WHERE status_id = ANY($1::bigint[]))
        DELETE FROM mentions WHERE status_id = ANY($1::bigint[])
        """,
        list(status_ids),
    )
