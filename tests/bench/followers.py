"""Followers on many servers, entered into the database rather than asked for one by one."""

import random
from collections.abc import Sequence

import asyncpg

from tests.bench.surroundings import Surroundings
from tests.sites import NewAccount

_FIRST = 1 << 40
"""Ids from here on are nobody's yet."""


async def enter(connection: "asyncpg.Connection[asyncpg.Record]", hosts: Sequence[str]) -> list[int]:
    """Make one remote actor known on each of these hosts; return their ids in this order."""
    first = await connection.fetchval("SELECT greatest(max(id) + 1, $1) FROM actors", _FIRST)
    ids = [first + number for number in range(len(hosts))]
    await connection.execute(
        """
        INSERT INTO actors (id, uri, uri_hash, local, kind, username, domain, inbox, shared_inbox)
        SELECT id, uri, substr(sha256(uri::bytea), 1, 16), false, 0, 'fan' || id, host,
               uri || '/inbox', 'http://' || host || '/inbox'
          FROM unnest($1::bigint[], $2::text[]) AS t (id, host)
         CROSS JOIN LATERAL (SELECT format('http://%s/users/fan%s', host, id) AS uri) AS u
        """,
        ids,
        hosts,
    )
    return ids


async def follow(
    connection: "asyncpg.Connection[asyncpg.Record]", followee: int, followers: Sequence[int]
) -> None:
    """Have these remote actors follow a local one."""
    first = await connection.fetchval("SELECT greatest(max(id) + 1, $1) FROM follows", _FIRST)
    await connection.execute(
        """
        INSERT INTO follows (id, follower_id, followee_id, state, uri, uri_hash)
        SELECT $3 + place, follower, $1, 1, uri, substr(sha256(uri::bytea), 1, 16)
          FROM unnest($2::bigint[]) WITH ORDINALITY AS t (follower, place)
         CROSS JOIN LATERAL (SELECT format('bench:%s:%s', $1::bigint, follower) AS uri) AS u
        """,
        followee,
        followers,
        first,
    )


async def enter_authors(
    around: Surroundings, fans: Sequence[int], count: int, followers: int, chance: random.Random
) -> list[NewAccount]:
    """Make so many accounts here, each followed by some of these remote actors, as chance has it."""
    authors = [await around.site.account(f"author{number}") for number in range(count)]
    for author in authors:
        await follow(around.connection, int(author.id), chance.sample(fans, followers))
    return authors
