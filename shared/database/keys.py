"""Public keys of all actors, by the key's own id."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import same_origin, uri_hash
from shared.protocol.objects import PublicKey


class KnownKey(Struct, frozen=True, kw_only=True):
    """A stored key and whose it is; `actor_gone` where its owner is deleted or suspended."""

    id: str
    algorithm: str
    der: bytes
    fetched_at: datetime
    actor_id: int
    actor_uri: str
    actor_local: bool
    actor_gone: bool


class NewKey(Struct, frozen=True, kw_only=True):
    """A key to store for an actor that is stored already."""

    key: PublicKey
    actor_id: int


async def by_ids(conn: Connection, key_ids: Sequence[str]) -> dict[str, KnownKey]:
    """Return those of these keys that are known, by the key's id."""
    rows = await conn.fetch(
        """
        SELECT k.uri, k.algorithm, k.der, k.fetched_at, k.actor_id, a.uri AS actor_uri, a.local,
               a.deleted_at IS NOT NULL OR a.suspended_at IS NOT NULL AS gone
          FROM public_keys k
          JOIN actors a ON a.id = k.actor_id
         WHERE k.uri_hash = ANY($1::bytea[])
        """,
        [uri_hash(key_id) for key_id in key_ids],
    )
    return {
        row["uri"]: KnownKey(
            id=row["uri"],
            algorithm=row["algorithm"],
            der=row["der"],
            fetched_at=row["fetched_at"],
            actor_id=row["actor_id"],
            actor_uri=row["actor_uri"],
            actor_local=row["local"],
            actor_gone=row["gone"],
        )
        for row in rows
    }


async def of_actor(conn: Connection, actor_id: int) -> list[PublicKey]:
    """Return an actor's keys, RSA first."""
    rows = await conn.fetch(
        """
        SELECT k.uri, k.algorithm, k.der, a.uri AS owner
          FROM public_keys k JOIN actors a ON a.id = k.actor_id
         WHERE k.actor_id = $1
         ORDER BY k.algorithm DESC, k.uri
        """,
        actor_id,
    )
    return [
        PublicKey(id=row["uri"], owner=row["owner"], algorithm=row["algorithm"], der=row["der"])
        for row in rows
    ]


async def replace(conn: Connection, actor_ids: Sequence[int], new: Sequence[NewKey]) -> None:
    """Make these the only keys of these actors; call it inside a transaction."""
    await _drop_others(conn, actor_ids, new)
    await store(conn, new)


async def _drop_others(conn: Connection, actor_ids: Sequence[int], kept: Sequence[NewKey]) -> None:
    await conn.execute(
        """
        DELETE FROM public_keys
         WHERE actor_id = ANY($1::bigint[]) AND NOT (uri_hash = ANY($2::bytea[]))
        """,
        list(actor_ids),
        [uri_hash(new.key.id) for new in kept],
    )


async def store(conn: Connection, new: Sequence[NewKey]) -> None:
    """Store keys; a key that changed owner or bytes is renewed. A local actor's key stays as it is.

    A key on another origin than its owner is left out: a document that lists a stranger's key id would
    otherwise stand in the way of the stranger.
    """
    unique = {item.key.id: item for item in new if same_origin(item.key.id, item.key.owner)}
    await conn.execute(
        """
        INSERT INTO public_keys AS k (uri_hash, uri, actor_id, algorithm, der)
        SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::text[], $5::bytea[])
            ON CONFLICT (uri_hash) DO UPDATE
           SET actor_id = excluded.actor_id, algorithm = excluded.algorithm, der = excluded.der,
               fetched_at = now()
         WHERE NOT EXISTS (SELECT FROM actors a WHERE a.id = k.actor_id AND a.local)
        """,
        [uri_hash(key_id) for key_id in unique],
        list(unique),
        [item.actor_id for item in unique.values()],
        [item.key.algorithm for item in unique.values()],
        [item.key.der for item in unique.values()],
    )
