"""Home timelines to read: millions of entries, made by the database itself, and a gateway to serve them."""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg

from tests.bench.accounting import Cost, Meter
from tests.bench.surroundings import listener
from tests.forked import execute
from tests.infrastructure import Infrastructure, database, template_database, vhost
from tests.sites import Site, running

ENTRIES = 800
AUTHORS = 2_000
POSTS = 200_000
FOLLOWS = 200
WIDE = 20
CONNECTIONS = 4
_FIRST_READER = 1_000_000
_FIRST_POST = 10_000_000

# Ids are small numbers here: only their order matters. One post in five is a boost, one in ten has a
# picture, one in three a mention, one in four a hashtag.
_FILL = (
    f"""
    INSERT INTO actors (id, uri, uri_hash, local, kind, username, domain, display_name, summary, inbox, icon)
    SELECT n, 'https://far.example/users/' || n, decode(md5('a' || n), 'hex'), false, 0, 'user' || n,
           'far.example', 'User ' || n, '<p>' || repeat('Weaves. ', 20) || '</p>',
           'https://far.example/inbox', 'https://far.example/avatars/' || n || '.png'
      FROM generate_series(1, {AUTHORS}) n
    """,  # noqa: S608 - constants
    f"""
    INSERT INTO statuses (id, uri, uri_hash, url, local, actor_id, conversation_id, content, language,
                          visibility, attachments, created_at, reblog_of_id)
    SELECT {_FIRST_POST} + n, 'https://far.example/notes/' || n, decode(md5('s' || n), 'hex'),
           'https://far.example/@user/' || n, false, 1 + n * 7 % {AUTHORS}, {_FIRST_POST} + n,
           CASE WHEN n % 5 = 0 THEN '' ELSE '<p>' || repeat('Warp and weft ', 20) || n || '</p>' END, 'en', 0,
           CASE WHEN n % 10 = 1 THEN jsonb_build_array(jsonb_build_object(
               'media_type', 'image/png', 'url', 'https://far.example/m/' || n || '.png',
               'description', 'A loom', 'blurhash', 'LEHV6nWB2yk8pyo0adR*.7kCMdnj',
               'width', 1200, 'height', 800)) ELSE '[]' END,
           timestamptz '2026-01-01' + n * interval '1 second',
           CASE WHEN n % 5 = 0 THEN {_FIRST_POST} + n - 3 END
      FROM generate_series(1, {POSTS}) n
    """,  # noqa: S608 - constants
    f"""
    INSERT INTO mentions (status_id, actor_uri, actor_id, name)
    SELECT {_FIRST_POST} + n, 'https://far.example/users/' || 1 + n % {AUTHORS}, 1 + n % {AUTHORS}, '@user'
      FROM generate_series(1, {POSTS}, 3) n
    """,  # noqa: S608 - constants
    f"""
    INSERT INTO status_tags (tag, status_id, name)
    SELECT 'tag' || n % 100, {_FIRST_POST} + n, 'Tag' || n % 100 FROM generate_series(1, {POSTS}, 4) n
    """,  # noqa: S608 - constants
    f"INSERT INTO wide_authors (actor_id) SELECT n FROM generate_series(1, {WIDE}) n",  # noqa: S608 - constants
)
_READERS = (
    f"""
    INSERT INTO actors (id, uri, uri_hash, local, kind, username, domain, inbox)
    SELECT {_FIRST_READER} + n, 'http://x/users/' || n, decode(md5('r' || n), 'hex'), true, 0, 'reader' || n,
           'here', 'http://x/inbox'
      FROM generate_series(1, $1::integer) n
    """,  # noqa: S608 - constants
    f"""
    INSERT INTO accounts (actor_id, rsa_private_key, ed25519_private_key, last_active_at)
    SELECT {_FIRST_READER} + n, '', '', now() FROM generate_series(1, $1::integer) n
    """,  # noqa: S608 - constants
    f"""
    INSERT INTO oauth_tokens (token_hash, account_id, scopes)
    SELECT sha256(('reader' || n)::bytea), {_FIRST_READER} + n, '{{read}}'
      FROM generate_series(1, $1::integer) n
    """,  # noqa: S608 - constants
    f"""
    INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id)
    SELECT {_FIRST_READER} + n, 1 + (n + m * 9) % {AUTHORS}, 1, 'f' || n || ':' || m,
           decode(md5('f' || n || ':' || m), 'hex'), n * 1000 + m
      FROM generate_series(1, $1::integer) n, generate_series(1, {FOLLOWS}) m
    """,  # noqa: S608 - constants
    f"""
    INSERT INTO home_timeline (account_id, status_id, actor_id)
    SELECT {_FIRST_READER} + n, {_FIRST_POST} + p, 1 + p * 7 % {AUTHORS}
      FROM generate_series(1, $1::integer) n
     CROSS JOIN LATERAL (SELECT {POSTS} - (n % 50) - m * 51 AS p FROM generate_series(1, {ENTRIES}) m) e
    """,  # noqa: S608 - constants
    "VACUUM ANALYZE",
)


async def fill(url: str, entries: int) -> int:
    """Write this many entries of home timelines; return how many readers there are."""
    readers = entries // ENTRIES
    connection = await asyncpg.connect(url)
    try:
        for statement in _FILL:
            await connection.execute(statement, timeout=600)
        for statement in _READERS:
            arguments = (readers,) if "$1" in statement else ()
            await connection.execute(statement, *arguments, timeout=1200)
    finally:
        await connection.close()
    return readers


@contextlib.asynccontextmanager
async def gateway(infrastructure: Infrastructure, entries: int) -> AsyncIterator[tuple[Site, int]]:
    """Run a gateway on a database of its own with so many entries; yield it and the number of readers."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="heddle-bench-")))
        template = stack.enter_context(template_database(infrastructure.database_url))
        site = Site(
            launch=execute,
            name="bench",
            database_url=stack.enter_context(database(infrastructure.database_url, template)),
            broker_url=stack.enter_context(vhost(infrastructure)),
            folder=folder,
        )
        readers = await fill(site.database_url, entries)
        async with running(site, ("platform_gateway",)):
            yield site, readers


async def read(site: Site, readers: int, count: int, limit: int) -> None:
    """Read this many home timelines, each by another reader, over a few connections."""
    numbers = itertools.cycle(range(1, readers + 1, max(1, readers // 997)))
    wanted = iter([next(numbers) for _ in range(count)])
    url = f"{site.processes['platform_gateway'].listen}/api/v1/timelines/home?limit={limit}"

    async def worker(session: aiohttp.ClientSession) -> None:
        for number in wanted:
            async with session.get(url, headers={"Authorization": f"Bearer reader{number}"}) as answer:
                text = await answer.text()
                if answer.status != 200 or text.count('"uri":"https://far.example/notes/') < limit:
                    raise SystemExit(f"the gateway answered {answer.status}: {text[:200]}")

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(worker(session) for _ in range(CONNECTIONS)))


async def measure_home(infrastructure: Infrastructure, *, items: int, runs: int, entries: int) -> list[Cost]:
    """Return the cost of reading 40 entries, of each run."""
    costs = []
    async with gateway(infrastructure, entries) as (site, readers):
        await read(site, readers, 200, 40)
        pids = {
            "platform_gateway": [site.processes["platform_gateway"].pid],
            "database": [listener(site.database_url)],
        }
        for _ in range(runs):
            meter = Meter(pids)
            await read(site, readers, items, 40)
            costs.append(meter.cost(items))
    return costs
