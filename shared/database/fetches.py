"""Which servers fetched a post of ours, signed: they have a copy, and are told when it is deleted."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from shared.database.delivery_plans import Destination
from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class Fetch(Struct, frozen=True, kw_only=True):
    """A post went to a host: the signer proved to be `actor_id`, an actor of it."""

    object_uri: str
    host: str
    actor_id: int


class FetchedBy(Struct, frozen=True, kw_only=True):
    """A host that fetched a post, and where it is told about it."""

    host: str
    destination: Destination


async def record(conn: Connection, fetches: Sequence[Fetch]) -> None:
    """Record fetches; of each post and host the first one counts."""
    await conn.execute(
        """
        INSERT INTO object_fetches (object_hash, host, actor_id)
        SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[])
            ON CONFLICT DO NOTHING
        """,
        [uri_hash(one.object_uri) for one in fetches],
        [one.host for one in fetches],
        [one.actor_id for one in fetches],
    )


async def fetched_by(conn: Connection, object_uri: str, above: str, limit: int) -> list[FetchedBy]:
    """Return hosts that fetched a post, by name, from above a name on."""
    rows = await conn.fetch(
        """
        SELECT f.host, CASE WHEN a.shared_inbox <> '' THEN a.shared_inbox ELSE a.inbox END AS inbox,
               a.shared_inbox <> '' AS shared
          FROM object_fetches f JOIN actors a ON a.id = f.actor_id
         WHERE f.object_hash = $1 AND f.host > $2
         ORDER BY f.host LIMIT $3
        """,
        uri_hash(object_uri),
        above,
        limit,
    )
    return [
        FetchedBy(host=row["host"], destination=Destination(inbox=row["inbox"], shared=row["shared"]))
        for row in rows
    ]


async def forget_fetches(conn: Connection, *, after: timedelta) -> None:
    """Forget who fetched what is deleted, once everybody has been told for so long."""
    await conn.execute(
        """
        DELETE FROM object_fetches f USING statuses s
         WHERE f.fetched_at < now() - $1::interval
           AND s.uri_hash = f.object_hash AND s.deleted_at < now() - $1::interval
        """,
        after,
    )
