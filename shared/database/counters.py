"""The counts on posts and profiles: whoever writes or removes a row counts it in the same transaction."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from shared.database.pool import Connection
from shared.protocol.objects import Visibility

_SHOWN = frozenset({Visibility.PUBLIC, Visibility.UNLISTED})


class Counts:
    """Gathers what changed, to be written once, at the end of the transaction.

    Rows are locked in the order of their ids, so that two transactions that count the same things wait
    for each other instead of deadlocking.
    """

    def __init__(self) -> None:
        self._followers: Counter[int] = Counter()
        self._following: Counter[int] = Counter()
        self._posts: Counter[int] = Counter()
        self._latest: dict[int, datetime] = {}
        self._replies: Counter[int] = Counter()
        self._reblogs: Counter[int] = Counter()
        self._favourites: Counter[int] = Counter()

    def post(self, actor_id: int, visibility: Visibility, *, at: datetime | None = None, by: int = 1) -> None:
        """Count a post or boost of an actor; direct messages are nobody's business."""
        if visibility is Visibility.DIRECT:
            return
        self._posts[actor_id] += by
        if at is not None:
            self._latest[actor_id] = max(at, self._latest.get(actor_id, at))

    def reply(self, to_status_id: int | None, visibility: Visibility, *, by: int = 1) -> None:
        """Count a reply under a post, where everybody may see it."""
        if to_status_id is not None and visibility in _SHOWN:
            self._replies[to_status_id] += by

    def boost(self, of_status_id: int, *, by: int = 1) -> None:
        """Count a boost under a post."""
        self._reblogs[of_status_id] += by

    def favourite(self, status_id: int, *, by: int = 1) -> None:
        """Count a like under a post."""
        self._favourites[status_id] += by

    def follow(self, follower_id: int, followee_id: int, *, by: int = 1) -> None:
        """Count an accepted follow on both sides."""
        self._following[follower_id] += by
        self._followers[followee_id] += by

    async def write(self, conn: Connection) -> None:
        """Write what was gathered: posts first, then actors. Call it as the last write of a transaction."""
        statuses = _touched(self._replies, self._reblogs, self._favourites)
        if statuses:
            await conn.execute(
                _STATUSES,
                statuses,
                [self._replies[status] for status in statuses],
                [self._reblogs[status] for status in statuses],
                [self._favourites[status] for status in statuses],
            )
        actors = _touched(self._followers, self._following, self._posts)
        if actors:
            await conn.execute(
                _ACTORS,
                actors,
                [self._followers[actor] for actor in actors],
                [self._following[actor] for actor in actors],
                [self._posts[actor] for actor in actors],
                [self._latest.get(actor) for actor in actors],
            )


def _touched(*counters: Counter[int]) -> list[int]:
    return sorted({key for counter in counters for key, by in _items(counter) if by})


def _items(counter: Counter[int]) -> Iterable[tuple[int, int]]:
    return counter.items()


_STATUSES = """
WITH locked AS MATERIALIZED (
    SELECT id FROM statuses WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
)
UPDATE statuses s SET
       replies_count = greatest(s.replies_count + n.replies, 0),
       reblogs_count = greatest(s.reblogs_count + n.reblogs, 0),
       favourites_count = greatest(s.favourites_count + n.favourites, 0)
  FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[])
       AS n (id, replies, reblogs, favourites)
  JOIN locked ON locked.id = n.id
 WHERE s.id = n.id AND s.deleted_at IS NULL
"""

_ACTORS = """
WITH locked AS MATERIALIZED (
    SELECT id FROM actors WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
)
UPDATE actors a SET
       followers_count = greatest(a.followers_count + n.followers, 0),
       following_count = greatest(a.following_count + n.following, 0),
       statuses_count = greatest(a.statuses_count + n.posts, 0),
       last_status_at = greatest(a.last_status_at, n.latest)
  FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[], $5::timestamptz[])
       AS n (id, followers, following, posts, latest)
  JOIN locked ON locked.id = n.id
 WHERE a.id = n.id
"""
