"""What goes to many servers: plans that are carried out page by page, and messages that wait their turn.

Each author's plans and messages keep their order; between authors and shards nothing is promised.
"""

from collections.abc import Collection, Sequence

from msgspec import Struct

from shared.database.delivery_plans import INSERT_ACTIVITIES, SentActivity, activity_columns
from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class BulkPlan(Struct, frozen=True, kw_only=True):
    """An activity whose recipients are being listed; `position` is where that goes on."""

    id: int
    message: bytes
    position: bytes


class NewMessage(Struct, frozen=True, kw_only=True):
    """An encoded batch of deliveries of one author for one shard."""

    shard: int
    actor_id: int
    targets: int
    payload: bytes


class BulkMessage(Struct, frozen=True, kw_only=True):
    """A message that waits."""

    id: int
    targets: int
    payload: bytes


class Look(Struct, frozen=True):
    """A look at what waits for a shard beside the messages in hand."""

    shard: int
    in_hand: Collection[int] = ()


_BEGIN = f"""
WITH recorded AS ({INSERT_ACTIVITIES} RETURNING activity_hash)
INSERT INTO bulk_plans (activity_hash, actor_id, message)
SELECT activity_hash, actor_id, message
  FROM unnest($10::bytea[], $11::bigint[], $12::bytea[])
       WITH ORDINALITY AS t (activity_hash, actor_id, message, place)
 WHERE activity_hash IN (SELECT activity_hash FROM recorded)
    OR EXISTS (SELECT FROM sent_activities s
                WHERE s.activity_hash = t.activity_hash AND s.bulk AND s.planned_at IS NULL)
 ORDER BY place
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - a constant


async def begin(conn: Connection, left: Sequence[tuple[SentActivity, bytes]]) -> None:
    """Leave activities to be planned here, with their messages, in order; what is planned stays so."""
    sent = [one for one, _ in left]
    await conn.execute(
        _BEGIN,
        *activity_columns(sent),
        True,
        [uri_hash(one.uri) for one in sent],
        [one.actor_id for one in sent],
        [message for _, message in left],
    )


async def lock_next_plan(conn: Connection) -> BulkPlan | None:
    """Lock and return the oldest plan of the author who has waited longest; others take other authors'."""
    row = await conn.fetchrow(
        """
        SELECT id, message, position FROM bulk_plans p
         WHERE NOT EXISTS (SELECT FROM bulk_plans o WHERE o.actor_id = p.actor_id AND o.id < p.id)
         ORDER BY turn_at, id LIMIT 1
           FOR UPDATE SKIP LOCKED
        """
    )
    return None if row is None else BulkPlan(**dict(row))


async def note_position(conn: Connection, plan_id: int, position: bytes) -> None:
    """Record how far a plan has come, and let other authors go first now."""
    await conn.execute(
        "UPDATE bulk_plans SET position = $2, turn_at = clock_timestamp() WHERE id = $1", plan_id, position
    )


async def end(conn: Connection, plan_id: int) -> None:
    """Record that a plan is carried out; its author has had a turn."""
    await conn.execute(
        """
        WITH ended AS (DELETE FROM bulk_plans WHERE id = $1 RETURNING actor_id, activity_hash),
             planned AS (UPDATE sent_activities s SET planned_at = now()
                           FROM ended WHERE s.activity_hash = ended.activity_hash)
        UPDATE bulk_plans p SET turn_at = clock_timestamp()
          FROM ended WHERE p.actor_id = ended.actor_id AND p.id <> $1
        """,
        plan_id,
    )


async def give_up(conn: Connection, plan_id: int) -> None:
    """Forget a plan that cannot be carried out; its activity stays one that is not planned to its end."""
    await conn.execute("DELETE FROM bulk_plans WHERE id = $1", plan_id)


async def add(conn: Connection, messages: Sequence[NewMessage]) -> None:
    """Have these messages wait, in this order."""
    await conn.execute(
        """
        INSERT INTO bulk_messages (shard, actor_id, targets, payload)
        SELECT shard, actor_id, targets, payload
          FROM unnest($1::smallint[], $2::bigint[], $3::smallint[], $4::bytea[])
               WITH ORDINALITY AS t (shard, actor_id, targets, payload, place)
         ORDER BY place
        """,
        [one.shard for one in messages],
        [one.actor_id for one in messages],
        [one.targets for one in messages],
        [one.payload for one in messages],
    )


async def shards_waiting(conn: Connection, shards: Collection[int]) -> set[int]:
    """Return those of these shards for which something waits."""
    rows = await conn.fetch(
        """
        SELECT shard FROM unnest($1::smallint[]) AS s (shard)
         WHERE EXISTS (SELECT FROM bulk_messages b WHERE b.shard = s.shard)
        """,
        list(shards),
    )
    return {row["shard"] for row in rows}


async def next_messages(conn: Connection, looks: Sequence[Look], limit: int) -> dict[int, list[BulkMessage]]:
    """Return by shard what is next: each author's oldest before anybody's second, and so on.

    What an author has in hand counts as his turn.

    Args:
        conn: The database.
        looks: One for each shard at most.
        limit: Messages of each shard.
    """
    rows = await conn.fetch(
        """
        SELECT s.shard, m.id, m.targets, m.payload
          FROM unnest($1::smallint[], $2::integer[]) AS s (shard, held)
         CROSS JOIN LATERAL (
            WITH RECURSIVE authors AS (
                (SELECT actor_id FROM bulk_messages WHERE shard = s.shard ORDER BY actor_id LIMIT 1)
                UNION ALL
                SELECT (SELECT b.actor_id FROM bulk_messages b
                         WHERE b.shard = s.shard AND b.actor_id > a.actor_id ORDER BY b.actor_id LIMIT 1)
                  FROM authors a WHERE a.actor_id IS NOT NULL
            ), turns AS (
                SELECT m.id, m.turn FROM authors a
                 CROSS JOIN LATERAL (
                    SELECT id, row_number() OVER (ORDER BY id) AS turn FROM (
                        SELECT id FROM bulk_messages
                         WHERE shard = s.shard AND actor_id = a.actor_id
                         ORDER BY id LIMIT $4::integer + s.held) AS oldest) AS m
                 WHERE NOT m.id = ANY($3::bigint[])
                 ORDER BY m.turn, m.id LIMIT $4
            )
            SELECT t.turn, b.id, b.targets, b.payload FROM turns t JOIN bulk_messages b USING (id)) AS m
         ORDER BY s.shard, m.turn, m.id
        """,
        [look.shard for look in looks],
        [len(look.in_hand) for look in looks],
        [message for look in looks for message in look.in_hand],
        limit,
    )
    found: dict[int, list[BulkMessage]] = {}
    for row in rows:
        message = BulkMessage(id=row["id"], targets=row["targets"], payload=row["payload"])
        found.setdefault(row["shard"], []).append(message)
    return found


async def settle(conn: Connection, ids: Collection[int]) -> None:
    """Forget messages of which every delivery is recorded."""
    await conn.execute("DELETE FROM bulk_messages WHERE id = ANY($1::bigint[])", list(ids))


async def count_waiting(conn: Connection) -> int:
    """Count the deliveries that wait their turn."""
    count: int = await conn.fetchval("SELECT COALESCE(sum(targets), 0) FROM bulk_messages")
    return count
