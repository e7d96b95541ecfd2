"""Who may see which posts, asked of many at once: the rule of `shared.policy.visibility`, in SQL."""

from collections.abc import Collection

from shared.database.pool import Connection

# EXISTS would let the planner read all that a viewer is named in, and all whom they follow, for one post.
VISIBLE = """
   s.deleted_at IS NULL
   AND (s.visibility <= 1
        OR s.actor_id = $1
        OR (SELECT true FROM mentions vm
             WHERE vm.status_id = s.id AND vm.actor_id = $1 LIMIT 1) IS NOT NULL
        OR (s.visibility = 2 AND (SELECT true FROM follows vf
                                   WHERE vf.follower_id = $1 AND vf.followee_id = s.actor_id
                                     AND vf.state = 1 LIMIT 1) IS NOT NULL))
   AND NOT EXISTS (SELECT FROM blocks vb WHERE vb.actor_id = s.actor_id AND vb.target_id = $1)
   AND NOT EXISTS (SELECT FROM actors va WHERE va.id = s.actor_id
                                           AND (va.suspended_at IS NOT NULL OR va.deleted_at IS NOT NULL))
"""
"""A condition on `statuses s` for the viewer `$1`, a bigint that is null for somebody not signed in."""

UNWANTED = """
   SELECT FROM blocks ub WHERE ub.actor_id = $1 AND ub.target_id = ANY(%s)
   UNION ALL
   SELECT FROM mutes um WHERE um.actor_id = $1 AND um.target_id = ANY(%s)
"""
"""A subquery that has rows where the viewer `$1` blocks or mutes any of some actors."""


def hides(actors: str) -> str:
    """Return the condition that the viewer `$1` blocks or mutes none of these columns."""
    wanted = f"ARRAY[{actors}]"
    return f"NOT EXISTS ({UNWANTED % (wanted, wanted)})"


_WHICH = f"""
SELECT s.id FROM statuses s
 WHERE s.id = ANY($2::bigint[]) AND ($1::bigint IS NULL OR $1 IS NOT NULL) AND {VISIBLE}
"""  # noqa: S608 - constants


async def visible_to(conn: Connection, viewer_id: int | None, ids: Collection[int]) -> set[int]:
    """Return those of these posts that the viewer may see; somebody not signed in sees what is public."""
    rows = await conn.fetch(_WHICH, viewer_id, list(ids))
    return {row["id"] for row in rows}
