"""Replies that arrived before what they answer: once it is here, they take their place in the thread."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.objects import Visibility


class Adopted(Struct, frozen=True, kw_only=True):
    """A reply that found its parent; both threads are one from now on."""

    id: int
    visibility: Visibility
    parent_id: int
    conversation_id: int
    parent_conversation_id: int


async def adopt(conn: Connection, parent_ids: Sequence[int]) -> list[Adopted]:
    """Tie the waiting replies to these posts, which are new."""
    rows = await conn.fetch(
        """
        UPDATE statuses c SET in_reply_to_id = p.id, in_reply_to_actor_id = p.actor_id
          FROM statuses p
         WHERE p.id = ANY($1::bigint[]) AND md5(c.in_reply_to_uri) = md5(p.uri)
           AND c.in_reply_to_uri = p.uri AND c.in_reply_to_id IS NULL AND c.deleted_at IS NULL
        RETURNING c.id, c.visibility, p.id AS parent_id, c.conversation_id,
                  p.conversation_id AS parent_conversation_id
        """,
        list(parent_ids),
    )
    return [
        Adopted(
            id=row["id"],
            visibility=Visibility(row["visibility"]),
            parent_id=row["parent_id"],
            conversation_id=row["conversation_id"],
            parent_conversation_id=row["parent_conversation_id"],
        )
        for row in rows
    ]


def merged(adopted: Sequence[Adopted]) -> dict[int, int]:
    """Return under which thread each joined thread goes on, where several join one after another."""
    leads = {reply.conversation_id: reply.parent_conversation_id for reply in adopted}
    ends: dict[int, int] = {}
    for thread in leads:
        end, seen = thread, {thread}
        # Two posts that name each other as parent would lead round in a circle.
        while end in leads and leads[end] not in seen:
            end = leads[end]
            seen.add(end)
        if end != thread:
            ends[thread] = end
    return ends


async def join_threads(conn: Connection, threads: Mapping[int, int]) -> None:
    """Move every post of these threads into the thread they belong to."""
    await conn.execute(
        """
        UPDATE statuses s SET conversation_id = n.becomes
          FROM unnest($1::bigint[], $2::bigint[]) AS n (thread, becomes)
         WHERE s.conversation_id = n.thread
        """,
        list(threads),
        list(threads.values()),
    )
