"""Followers on many servers, entered without asking any of them: what large audiences are tested with."""

from shared.database.pool import Connection
from tests.fakes.remote_host import RemoteHost
from tests.integration.world import World

_FOLLOWERS = """
WITH made AS (
    INSERT INTO actors (id, uri, uri_hash, local, kind, username, domain, inbox, shared_inbox)
    SELECT $2::bigint + n, uri, substr(sha256(uri::bytea), 1, 16), false, 0, 'fan' || n, host,
           uri || '/inbox', 'http://' || host || '/inbox'
      FROM generate_series(0, $3::integer - 1) AS n
     CROSS JOIN LATERAL (SELECT $4::text || n % $5::integer || $6::text AS host) AS h
     CROSS JOIN LATERAL (SELECT 'http://' || host || '/users/fan' || n AS uri) AS u
        ON CONFLICT DO NOTHING
)
INSERT INTO follows (id, follower_id, followee_id, state, uri, uri_hash)
SELECT $2 + n, $2 + n, $1::bigint, 1, uri, substr(sha256(uri::bytea), 1, 16)
  FROM generate_series(0, $3::integer - 1) AS n
 CROSS JOIN LATERAL (SELECT 'https://follows.example/' || $2 + n AS uri) AS u
"""
_FIRST = 1 << 40


async def let_follow(
    conn: Connection, author: int, *, count: int, hosts: int, prefix: str = "fan", suffix: str = ".example"
) -> None:
    """Have so many remote actors, spread evenly over so many hosts, follow an author.

    Args:
        conn: The database.
        author: Who is followed.
        count: How many follow.
        hosts: How many hosts, named `prefix` + number + `suffix`.
        prefix: How the hosts' names begin.
        suffix: How they end.
    """
    first = await conn.fetchval("SELECT max(id) + 1 FROM follows") or _FIRST
    await conn.execute(_FOLLOWERS, author, first, count, prefix, hosts, suffix)


async def crowd(world: World, author: int, hosts: int, *, prefix: str = "fan") -> list[RemoteHost]:
    """Return hosts of the fake fediverse with a follower of an author on each; they check no signature."""
    made = [world.remote.host(f"{prefix}{number}") for number in range(hosts)]
    for host in made:
        host.verify = False
    async with world.pool.acquire() as conn:
        suffix = made[0].authority.removeprefix(f"{prefix}0")
        await let_follow(conn, author, count=hosts, hosts=hosts, prefix=prefix, suffix=suffix)
    return made
