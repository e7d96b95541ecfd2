"""Relays: actors that pass on what is public, and to which the instance actor subscribes."""

from collections.abc import Collection
from datetime import datetime
from enum import IntEnum

from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection


class RelayState(IntEnum):
    """How far a subscription has come; one that ended stays for a while, for its Undo has to be sent."""

    REQUESTED = 0
    ACCEPTED = 1
    REJECTED = 2
    ENDED = 3


class Relay(Struct, frozen=True, kw_only=True):
    """A relay; `actor_uri` is empty while only its inbox is known."""

    id: int
    inbox: str
    actor_uri: str
    follow_uri: str
    state: RelayState
    created_at: datetime


def _relay(row: Record) -> Relay:
    return Relay(
        id=row["id"],
        inbox=row["inbox"],
        actor_uri=row["actor_uri"],
        follow_uri=row["follow_uri"],
        state=RelayState(row["state"]),
        created_at=row["created_at"],
    )


async def put(conn: Connection, relay_id: int, inbox: str, actor_uri: str, follow_uri: str) -> Relay | None:
    """Note that a relay is asked; None where it has been, unless it said no or the subscription ended."""
    row = await conn.fetchrow(
        """
        INSERT INTO relays AS r (id, inbox, actor_uri, follow_uri, state) VALUES ($1, $2, $3, $4, 0)
            ON CONFLICT (inbox) DO UPDATE
               SET actor_uri = EXCLUDED.actor_uri, follow_uri = EXCLUDED.follow_uri, state = 0
             WHERE r.state > 1
        RETURNING *
        """,
        relay_id,
        inbox,
        actor_uri,
        follow_uri,
    )
    return None if row is None else _relay(row)


async def listed(conn: Connection) -> list[Relay]:
    """Return the relays that were asked and did not end."""
    rows = await conn.fetch("SELECT * FROM relays WHERE state < 3 ORDER BY inbox")
    return [_relay(row) for row in rows]


async def end(conn: Connection, address: str) -> Relay | None:
    """End the subscription of a relay, given by its inbox or actor; return it if there was one."""
    row = await conn.fetchrow(
        """
        UPDATE relays SET state = 3 WHERE (inbox = $1 OR (actor_uri = $1 AND $1 <> '')) AND state < 3
        RETURNING *
        """,
        address,
    )
    return None if row is None else _relay(row)


async def inboxes(conn: Connection) -> list[str]:
    """Return where public posts are sent to."""
    rows = await conn.fetch("SELECT inbox FROM relays WHERE state = 1")
    return [row["inbox"] for row in rows]


async def inbox_of(conn: Connection, follow_uri: str) -> str | None:
    """Return the inbox of the relay that a Follow of ours is for."""
    inbox: str | None = await conn.fetchval("SELECT inbox FROM relays WHERE follow_uri = $1", follow_uri)
    return inbox


async def answered(conn: Connection, follow_uri: str, actor_uri: str, state: RelayState) -> bool:
    """Note the answer of a relay, which has to be the one that was asked, or on the host that was."""
    done = await conn.execute(
        """
        UPDATE relays SET state = $3, actor_uri = $2
         WHERE follow_uri = $1 AND state < 3
           AND (actor_uri = $2
                OR (actor_uri = '' AND split_part(inbox, '/', 3) = split_part($2::text, '/', 3)))
        """,
        follow_uri,
        actor_uri,
        state,
    )
    return done == "UPDATE 1"


async def asked(conn: Connection, follow_uris: Collection[str]) -> set[str]:
    """Return those of these Follows that are for a relay."""
    rows = await conn.fetch(
        "SELECT follow_uri FROM relays WHERE follow_uri = ANY($1::text[])", list(follow_uris)
    )
    return {row["follow_uri"] for row in rows}


async def relaying(conn: Connection, actor_uris: Collection[str]) -> set[str]:
    """Return those of these actors that are relays to which this site subscribes."""
    rows = await conn.fetch(
        "SELECT actor_uri FROM relays WHERE state = 1 AND actor_uri = ANY($1::text[])", list(actor_uris)
    )
    return {row["actor_uri"] for row in rows}


async def subscribed(conn: Connection, actor_uris: Collection[str]) -> set[str]:
    """Return those of these actors that are relays which were asked and did not say no."""
    rows = await conn.fetch(
        """
        SELECT n.uri FROM unnest($1::text[]) AS n (uri)
         WHERE EXISTS (SELECT FROM relays r
                        WHERE r.state < 2
                          AND (r.actor_uri = n.uri
                               OR (r.actor_uri = ''
                                   AND split_part(r.inbox, '/', 3) = split_part(n.uri, '/', 3))))
        """,
        list(actor_uris),
    )
    return {row["uri"] for row in rows}
