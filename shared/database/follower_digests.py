"""Who of one host follows whom, as digests to compare (FEP-8fcf), and the differences to look into."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.database.follows import FollowState
from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash
from shared.protocol.synchronization import NOBODY, Synchronization

_XOR: Final = "bit_xor(('x' || encode(sha256(convert_to(a.uri, 'UTF8')), 'hex'))::bit(256))"


class Repair(Struct, frozen=True, kw_only=True):
    """A remote actor whose list of followers is to be read and compared."""

    actor_id: int
    actor_uri: str
    url: str


class Following(Struct, frozen=True, kw_only=True):
    """An account here that follows, or asked to."""

    follower_id: int
    follower_uri: str
    state: FollowState
    created_at: datetime


async def by_host(conn: Connection, actor_id: int) -> dict[str, bytes]:
    """Return the digests of an actor's remote followers, by the host (with its port) of their ids."""
    rows = await conn.fetch(
        f"""
        SELECT lower(split_part(a.uri, '/', 3)) AS host, {_XOR} AS digest
          FROM follows f JOIN actors a ON a.id = f.follower_id
         WHERE f.followee_id = $1 AND f.state = 1 AND NOT a.local
         GROUP BY 1
        """,  # noqa: S608 - a constant
        actor_id,
    )
    return {row["host"]: row["digest"].bytes for row in rows}


async def followers_on(conn: Connection, actor_id: int, host: str) -> list[str]:
    """Return the ids of an actor's followers on this host."""
    rows = await conn.fetch(
        """
        SELECT a.uri FROM follows f JOIN actors a ON a.id = f.follower_id
         WHERE f.followee_id = $1 AND f.state = 1 AND NOT a.local AND lower(split_part(a.uri, '/', 3)) = $2
         ORDER BY f.id DESC
        """,
        actor_id,
        host,
    )
    return [row["uri"] for row in rows]


async def differing(conn: Connection, said: Sequence[tuple[str, Synchronization]]) -> list[tuple[str, int]]:
    """Return URI and id of those of these remote actors whose followers here differ from what is said.

    What is said of another collection than the actor's followers counts as nothing.
    """
    rows = await conn.fetch(
        f"""
        SELECT n.id, n.uri_hash, n.followers_uri,
               (SELECT {_XOR} FROM follows f JOIN actors a ON a.id = f.follower_id
                 WHERE f.followee_id = n.id AND f.state = 1 AND a.local) AS digest
          FROM actors n
         WHERE n.uri_hash = ANY($1::bytea[]) AND NOT n.local AND n.deleted_at IS NULL
           AND n.suspended_at IS NULL
        """,  # noqa: S608 - a constant
        [uri_hash(uri) for uri, _ in said],
    )
    known = {row["uri_hash"]: row for row in rows}
    found: list[tuple[str, int]] = []
    for uri, told in said:
        row = known.get(uri_hash(uri))
        if row is None or row["followers_uri"] != told.collection:
            continue
        ours = NOBODY if row["digest"] is None else row["digest"].bytes
        if ours != told.digest:
            found.append((uri, row["id"]))
    return found


async def ask_for_repair(
    conn: Connection, wanted: Sequence[tuple[int, str]], *, delay: timedelta, rest: timedelta
) -> None:
    """Have these (actor, url) looked into after a delay, unless that was done a short while ago."""
    await conn.execute(
        """
        INSERT INTO follower_repairs AS r (actor_id, url, due_at)
        SELECT n.actor_id, n.url, now() + $3 FROM unnest($1::bigint[], $2::text[]) AS n (actor_id, url)
            ON CONFLICT (actor_id) DO UPDATE SET url = EXCLUDED.url, due_at = EXCLUDED.due_at
         WHERE r.due_at IS NULL AND r.done_at < now() - $4::interval
        """,
        [actor_id for actor_id, _ in wanted],
        [url for _, url in wanted],
        delay,
        rest,
    )


async def take_due(conn: Connection, most: int, *, lease: timedelta) -> list[Repair]:
    """Take repairs that are due, one of each domain; who does not finish in time leaves them to others."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT DISTINCT ON (a.domain) r.actor_id, a.uri
              FROM follower_repairs r JOIN actors a ON a.id = r.actor_id
             WHERE r.due_at <= now() ORDER BY a.domain, r.due_at LIMIT $1)
        UPDATE follower_repairs r SET due_at = now() + $2::interval
          FROM due WHERE r.actor_id = due.actor_id AND r.due_at <= now()
        RETURNING r.actor_id, due.uri AS actor_uri, r.url
        """,
        most,
        lease,
    )
    return [Repair(**dict(row)) for row in rows]


async def finish(conn: Connection, actor_id: int) -> None:
    """Note that an actor's followers were compared."""
    await conn.execute(
        "UPDATE follower_repairs SET due_at = NULL, done_at = now() WHERE actor_id = $1", actor_id
    )


async def forget_done(conn: Connection, age: timedelta) -> None:
    """Forget comparisons that are older than this."""
    await conn.execute(
        "DELETE FROM follower_repairs WHERE due_at IS NULL AND done_at < now() - $1::interval", age
    )


async def local_followers(conn: Connection, actor_id: int) -> list[Following]:
    """Return the accounts here that follow a remote actor, or asked to."""
    rows = await conn.fetch(
        """
        SELECT f.follower_id, a.uri AS follower_uri, f.state, f.created_at
          FROM follows f JOIN actors a ON a.id = f.follower_id
         WHERE f.followee_id = $1 AND a.local
        """,
        actor_id,
    )
    return [
        Following(
            follower_id=row["follower_id"],
            follower_uri=row["follower_uri"],
            state=FollowState(row["state"]),
            created_at=row["created_at"],
        )
        for row in rows
    ]
