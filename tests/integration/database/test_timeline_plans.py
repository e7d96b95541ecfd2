"""How timelines and posts are read: by index, however many posts there are."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asyncpg.connection import LoggedQuery
from msgspec import json

from shared.database import api_home, api_statuses, api_timelines
from shared.database.api_timelines import TagFilter
from shared.database.paging import Page
from shared.database.pool import Connection, connect

READER = 1_000_000
PAGE = Page(limit=20)
MOST = 3_000
"""Rows that may be read for a page, of 30,000 posts."""

FEW = 60
"""Pages of the database that may be read for one post."""

# Ids are small numbers here: only their order matters. The reader follows one author in ten.
_STORE = (
    """
    INSERT INTO actors (id, uri, uri_hash, local, kind, username, domain, inbox)
    SELECT n, 'a' || n, decode(md5('a' || n), 'hex'), n = 1000000, 0, 'a' || n, 'far.example', ''
      FROM (SELECT generate_series(1, 500) UNION SELECT 1000000) t (n)
    """,
    "INSERT INTO accounts (actor_id, rsa_private_key, ed25519_private_key) VALUES (1000000, '', '')",
    """
    INSERT INTO statuses (id, uri, uri_hash, local, actor_id, conversation_id, visibility, created_at)
    SELECT n, 's' || n, decode(md5('s' || n), 'hex'), n % 50 = 0, 1 + n % 500, n, 0, now()
      FROM generate_series(1, 30000) n
    """,
    """
    INSERT INTO status_tags (tag, status_id, name)
    SELECT 'tag' || n % 100, n, 'Tag' FROM generate_series(1, 30000, 7) n
    """,
    """
    INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id)
    SELECT 1000000, n, 1, 'f' || n, decode(md5('f' || n), 'hex'), n FROM generate_series(1, 500, 10) n
    """,
    """
    INSERT INTO home_timeline (account_id, status_id, actor_id)
    SELECT 1000000, id, actor_id FROM statuses WHERE actor_id % 10 = 1 ORDER BY id DESC LIMIT 800
    """,
    "INSERT INTO wide_authors (actor_id) VALUES (1), (2)",
    "INSERT INTO lists (id, account_id, title) VALUES (1, 1000000, 'some')",
    """
    INSERT INTO list_members (list_id, actor_id, account_id, id)
    SELECT 1, n, 1000000, n FROM generate_series(1, 200, 10) n
    """,
    "ANALYZE",
)

READS: dict[str, Callable[[Connection], Awaitable[object]]] = {
    "home": lambda conn: api_home.home(conn, READER, PAGE),
    "list": lambda conn: api_home.of_list(conn, 1, PAGE),
    "public": lambda conn: api_timelines.public(conn, READER, PAGE, local=None, only_media=False),
    "local": lambda conn: api_timelines.public(conn, None, PAGE, local=True, only_media=False),
    "tag": lambda conn: api_timelines.tagged(
        conn, READER, PAGE, TagFilter(some=("tag7",)), local=None, only_media=False
    ),
}


@pytest.fixture
async def store(own_database_url: str) -> AsyncIterator[Connection]:
    """Yield a connection to a store with many posts."""
    connection = await connect(own_database_url, application_name="test")
    for statement in _STORE:
        await connection.execute(statement)
    yield connection
    await connection.close()


async def _looked_at(conn: Connection, query: LoggedQuery) -> int:
    """Return how many rows a statement reads, those included that it throws away."""
    plan = await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query.query}", *query.args)
    rows = 0.0

    def visit(node: dict[str, Any]) -> None:
        nonlocal rows
        if "Relation Name" in node:
            each = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            rows += each * node["Actual Loops"]
        for child in node.get("Plans", ()):
            visit(child)

    for one in json.decode(plan) if isinstance(plan, str) else plan:
        visit(one["Plan"])
    return int(rows)


async def test_no_timeline_reads_all_posts(store: Connection) -> None:
    """Home, list, public and hashtag timelines find a page by index, and look at few rows for it."""
    for name, read in READS.items():
        asked: list[LoggedQuery] = []
        store.add_query_logger(asked.append)
        found = await read(store)
        await store.execute("SELECT 1")  # loggers are called later; by now they were
        store.remove_query_logger(asked.append)
        ids = found[0] if isinstance(found, tuple) else found
        assert len(ids) == PAGE.limit, name  # type: ignore[arg-type]
        assert asked, name
        for query in (one for one in asked if "FROM" in one.query):
            looked_at = await _looked_at(store, query)
            assert looked_at < MOST, (name, looked_at)


async def test_a_post_is_found_by_index_however_young_the_plan(own_database_url: str) -> None:
    """What was planned when there were forty posts still finds one among 30,000 in a few pages."""
    conn = await connect(own_database_url, application_name="test")
    asked: list[LoggedQuery] = []
    conn.add_query_logger(asked.append)
    await api_statuses.seen(conn, READER, 1)
    await conn.execute("SET plan_cache_mode = force_generic_plan")
    conn.remove_query_logger(asked.append)
    (question,) = [one.query for one in asked if "FROM statuses" in one.query]
    actors, accounts, posts, *others = _STORE[:-1]
    for statement in (actors, accounts, posts.replace("30000", "40")):
        await conn.execute(statement)
    await conn.execute(f"PREPARE one (bigint, bigint) AS {question}")
    await conn.execute("EXECUTE one (1, 1)")
    await conn.execute("DELETE FROM statuses")
    for statement in (posts, *others):
        await conn.execute(statement)
    plan = await conn.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE one ({READER}, 29990)")
    found = (json.decode(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    await conn.close()
    assert found["Actual Rows"] == 1
    assert found["Shared Hit Blocks"] + found["Shared Read Blocks"] < FEW


async def test_answers_of_a_wide_author_hide_none_of_their_posts(store: Connection) -> None:
    """A wide author's posts are all there below any number of answers to strangers, in both directions."""
    await store.execute("DELETE FROM home_timeline")
    await store.execute(
        "UPDATE statuses SET in_reply_to_uri = 'https://far.example/1' WHERE actor_id = 1 AND id % 1500 <> 0"
    )
    wanted = [number * 1500 for number in range(20, 0, -1)]
    assert (await api_home.home(store, READER, Page(limit=3)))[0] == wanted[:3]
    assert (await api_home.home(store, READER, Page(limit=3, max_id=wanted[2])))[0] == wanted[3:6]
    assert (await api_home.home(store, READER, Page(limit=3, min_id=wanted[5])))[0] == wanted[2:5]
    assert (await api_home.home(store, READER, Page(limit=40)))[0] == wanted
