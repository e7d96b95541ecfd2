"""Home timelines, fanned out on write: one rule says which post stands in whose timeline.

Fan-out applies the rule to new posts, `extend` and `prune` to what changed between people, `refill` to
everything, and so they agree: the newest `KEPT` entries of a timeline are those of one made anew. Where some
of them went, fewer may be left; an account's `home_horizon` says up to which id entries may be missing, and
nothing from there on is read: what wide authors add would stand there alone.
"""

from collections.abc import Sequence

from shared.database.home_rule import FOLLOWED, NARROW, POST, RULE_FOR_MANY, TAG_RULE, UNWANTED, belongs
from shared.database.pool import Connection

KEPT = 800
"""Entries of a home timeline that are kept; older ones are trimmed."""

_INSERT = "INSERT INTO home_timeline (account_id, status_id, actor_id)"

_FAN_OUT = f"""
{_INSERT}
SELECT f.follower_id, s.id, s.actor_id
  FROM unnest($1::bigint[]) AS k (id)
 {POST} {UNWANTED} {FOLLOWED}
 WHERE {NARROW} AND {RULE_FOR_MANY}
"""  # noqa: S608 - constants

_FAN_OUT_AGAIN = f"{_FAN_OUT} ON CONFLICT DO NOTHING"


async def fan_out(conn: Connection, status_ids: Sequence[int], *, new: bool = False) -> int:
    """Put these posts and boosts into the home timelines of followers; return how many entries that made.

    Into its author's own timeline a post comes with the transaction that writes it.

    Args:
        conn: A connection.
        status_ids: Posts and boosts, each once.
        new: This transaction made them all, so nobody can have them yet; looking for that costs a quarter.
    """
    done = await conn.execute(_FAN_OUT if new else _FAN_OUT_AGAIN, list(status_ids))
    return int(done.rpartition(" ")[2])


_FAN_OUT_TAGGED = f"""
{_INSERT}
SELECT DISTINCT g.account_id, s.id, s.actor_id
  FROM unnest($1::bigint[]) AS k (id)
 {POST}
 CROSS JOIN LATERAL (SELECT q.account_id FROM status_tags t JOIN tag_follows q ON q.tag = t.tag
                      WHERE t.status_id = s.id OFFSET 0) g
 CROSS JOIN LATERAL (SELECT true FROM accounts a
                      WHERE a.actor_id = g.account_id AND a.home_state <> 0 OFFSET 0) c
 WHERE {TAG_RULE}
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants


async def fan_out_tagged(conn: Connection, status_ids: Sequence[int]) -> None:
    """Put posts into the home timelines of those who follow a hashtag of theirs."""
    await conn.execute(_FAN_OUT_TAGGED, list(status_ids))


# Newest first and only as far as needed: the sort is over ids alone, and the rule is asked of as many as it
# takes to fill a timeline. What would sink below the entries that are kept is not looked at.
_FILL = f"""
{_INSERT}
SELECT n.account_id, e.id, e.actor_id
  FROM unnest($1::bigint[]) AS n (account_id)
 CROSS JOIN LATERAL (SELECT a.home_horizon AS horizon FROM accounts a
                      WHERE a.actor_id = n.account_id AND a.home_state <> 0 OFFSET 0) here
 CROSS JOIN LATERAL (SELECT coalesce((SELECT h.status_id FROM home_timeline h
                                       WHERE h.account_id = n.account_id AND h.status_id > here.horizon
                                       ORDER BY h.status_id DESC OFFSET $2 - 1 LIMIT 1), 0) AS id
                     OFFSET 0) least
 CROSS JOIN LATERAL (
    SELECT k.id, s.actor_id
      FROM (SELECT DISTINCT c.id
              FROM (SELECT p.id
                      FROM (SELECT t.followee_id AS actor_id FROM follows t
                             WHERE t.follower_id = n.account_id AND t.state = 1 AND NOT t.exclusive
                            UNION ALL SELECT n.account_id OFFSET 0) a
                     CROSS JOIN LATERAL (SELECT t.id FROM statuses t
                                          WHERE t.actor_id = a.actor_id AND t.deleted_at IS NULL
                                            AND t.id > least.id
                                          ORDER BY t.id DESC LIMIT $3) p
                    UNION ALL
                    SELECT p.id
                      FROM (SELECT q.tag FROM tag_follows q WHERE q.account_id = n.account_id OFFSET 0) q
                     CROSS JOIN LATERAL (SELECT t.status_id AS id FROM status_tags t
                                          WHERE t.tag = q.tag AND t.status_id > least.id
                                          ORDER BY t.status_id DESC LIMIT $3) p
                   ) c
             ORDER BY c.id DESC) k
     {POST}
     WHERE {belongs("n.account_id", written=True)}
     ORDER BY k.id DESC
     LIMIT $2) e
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants

LOOKED_AT = 4 * KEPT
"""Posts of one author, or under one hashtag, that are looked at to fill a timeline; many may be replies."""


# What has been filled is whole down to the last entry that is kept; locked in one order, as several may be.
_NOTE_HORIZON = """
WITH here AS MATERIALIZED (
    SELECT actor_id FROM accounts WHERE actor_id = ANY($1::bigint[]) AND home_state <> 0
     ORDER BY actor_id FOR NO KEY UPDATE
), whole AS MATERIALIZED (
    SELECT n.actor_id, coalesce((SELECT h.status_id - 1 FROM home_timeline h
                                  WHERE h.account_id = n.actor_id
                                  ORDER BY h.status_id DESC OFFSET $2 - 1 LIMIT 1), 0) AS horizon
      FROM here n
)
UPDATE accounts a SET home_horizon = w.horizon FROM whole w
 WHERE a.actor_id = w.actor_id AND a.home_horizon <> w.horizon
"""


async def extend(conn: Connection, account_ids: Sequence[int]) -> None:
    """Let in what is missing: after a follow, an unblock, an unmute, a change of lists."""
    await conn.execute(_FILL, list(account_ids), KEPT, LOOKED_AT)
    await conn.execute(_NOTE_HORIZON, list(account_ids), KEPT)


_PRUNE = f"""
DELETE FROM home_timeline h
 WHERE h.account_id = ANY($1::bigint[])
   AND (SELECT true FROM (SELECT h.status_id AS id) k {POST}
         WHERE {belongs("h.account_id", written=False)} LIMIT 1) IS NULL
"""  # noqa: S608 - constants


async def prune(conn: Connection, account_ids: Sequence[int]) -> None:
    """Take out what no longer belongs: after an unfollow, a block, a mute, boosts switched off.

    Where entries had been trimmed, those that rise in place of the ones taken out come back.
    """
    await conn.execute(_PRUNE, list(account_ids))
    trimmed = await conn.fetch(
        "SELECT actor_id FROM accounts WHERE actor_id = ANY($1::bigint[]) AND home_horizon > 0",
        list(account_ids),
    )
    if trimmed:
        await extend(conn, sorted(row["actor_id"] for row in trimmed))


REMOVE = f"""
WITH posts AS MATERIALIZED (
    SELECT s.id, s.actor_id, {NARROW} AS narrow FROM unnest($1::bigint[]) AS n (id)
     CROSS JOIN LATERAL (SELECT t.id, t.actor_id FROM statuses t WHERE t.id = n.id OFFSET 0) s
), entries AS MATERIALIZED (
    SELECT actor_id AS account_id, id FROM posts
     UNION ALL
    SELECT f.follower_id, p.id FROM posts p JOIN follows f ON f.followee_id = p.actor_id AND p.narrow
)
DELETE FROM home_timeline h USING entries e
 WHERE h.account_id = e.account_id AND h.status_id = e.id
"""  # noqa: S608 - constants
"""Takes posts and boosts `$1` out of the home timelines of their authors and their followers.

Others who may have them, by a hashtag or from before their author became a wide one, are not looked for:
reading leaves out what is deleted, and it sinks like everything.
"""


async def clear(conn: Connection, account_id: int) -> None:
    """Empty a home timeline."""
    await conn.execute("DELETE FROM home_timeline WHERE account_id = $1", account_id)
    await conn.execute("UPDATE accounts SET home_horizon = 0 WHERE actor_id = $1", account_id)


async def refill(conn: Connection, account_id: int) -> None:
    """Fill an empty home timeline from the store."""
    await extend(conn, [account_id])


async def trim(conn: Connection, share: int, shares: int) -> None:
    """Drop what has sunk below the `KEPT` newest entries of the home timelines of a part of the accounts.

    Args:
        conn: A connection.
        share: Which part, from 0.
        shares: How many parts there are, so that no single call looks at everybody.
    """
    await conn.execute(
        """
        WITH cuts AS MATERIALIZED (
            SELECT c.actor_id, cut.status_id
              FROM accounts c
             CROSS JOIN LATERAL (SELECT status_id FROM home_timeline
                                  WHERE account_id = c.actor_id
                                  ORDER BY status_id DESC OFFSET $1 LIMIT 1) cut
             WHERE (c.actor_id >> 22) % $3 = $2
        ), free AS MATERIALIZED (
            -- Whose horizon is being moved by somebody else waits for the next round.
            SELECT actor_id FROM accounts WHERE actor_id = ANY(ARRAY(SELECT actor_id FROM cuts))
             ORDER BY actor_id FOR NO KEY UPDATE SKIP LOCKED
        ), noted AS (
            UPDATE accounts a SET home_horizon = greatest(a.home_horizon, c.status_id)
              FROM cuts c JOIN free f ON f.actor_id = c.actor_id
             WHERE a.actor_id = c.actor_id
        )
        DELETE FROM home_timeline h USING cuts c, free f
         WHERE f.actor_id = c.actor_id AND h.account_id = c.actor_id AND h.status_id <= c.status_id
        """,
        KEPT,
        share,
        shares,
    )
