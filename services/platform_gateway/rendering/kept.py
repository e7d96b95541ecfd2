"""Posts as they were rendered last, for lists that many people read: shown again while nothing has changed.

Whether anything has is asked of the database, each time: a post is what it was while its row and its
author's row are. What those rows do not tell, such as a new name of somebody mentioned, is seen within
`FRESH` seconds. Quotes and polls depend on the viewer and on time, and are rendered anew.
"""

import copy
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from services.platform_gateway.entities.accounts import Account
from services.platform_gateway.entities.statuses import Status
from services.platform_gateway.rendering.accounts import load_accounts
from services.platform_gateway.rendering.statuses import UNMARKED, dress_as, load_statuses, mark, plain
from shared.database.api_statuses import Marks, Version, marks_of, statuses_by_id, versions
from shared.database.pool import Connection
from shared.protocol.local_uris import LocalUris

T = TypeVar("T")

FRESH = 120.0
"""Seconds that a rendered post is used at most."""

MOST = 4000
"""Posts, and authors, that are kept: some 20 MB."""


class _Entry(Struct, Generic[T]):
    version: int
    until: float
    value: T


class _Shelf(Generic[T]):
    """A bounded number of things by id, each of a version; what was put there first goes first."""

    def __init__(self, most: int) -> None:
        self._entries: dict[int, _Entry[T]] = {}
        self._most = most

    def has(self, identifier: int, version: int, now: float) -> bool:
        entry = self._entries.get(identifier)
        return entry is not None and entry.version == version and entry.until > now

    def get(self, identifier: int) -> T | None:
        entry = self._entries.get(identifier)
        return None if entry is None else entry.value

    def put(self, identifier: int, version: int, value: T, now: float) -> None:
        self._entries.pop(identifier, None)
        self._entries[identifier] = _Entry(version, now + FRESH, value)

    def shrink(self) -> None:
        while len(self._entries) > self._most:
            del self._entries[next(iter(self._entries))]


class Kept:
    """What this process rendered lately.

    Args:
        most: How many posts, and how many authors.
    """

    def __init__(self, most: int = MOST) -> None:
        self._posts: _Shelf[Status | None] = _Shelf(most)
        self._authors: _Shelf[Account] = _Shelf(most)

    async def load(
        self, conn: Connection, ids: Sequence[int], viewer_id: int | None, uris: LocalUris
    ) -> list[Status]:
        """Return posts in the order of their ids, exactly as `load_statuses` does."""
        known = await versions(conn, ids)
        await self._refresh(conn, known, uris)
        special = [one for one in ids if one in known and self._is_special(known, known[one])]
        marks = {} if viewer_id is None or not known else await marks_of(conn, viewer_id, known.keys())
        apart = {
            int(status.id): status
            for status in (await load_statuses(conn, special, viewer_id, uris) if special else ())
        }
        found = [
            apart.get(one) or (None if one in special else self._compose(known, one, marks, viewer_id))
            for one in ids
        ]
        self._posts.shrink()
        self._authors.shrink()
        return [status for status in found if status is not None]

    async def _refresh(self, conn: Connection, known: Mapping[int, Version], uris: LocalUris) -> None:
        """Render what is not kept, or not as it is now."""
        now = time.monotonic()
        actors = {one.actor_id: one.actor_version for one in known.values()}
        stale = [one for one, version in actors.items() if not self._authors.has(one, version, now)]
        if stale:
            for actor_id, account in (await load_accounts(conn, stale, uris)).items():
                self._authors.put(actor_id, actors[actor_id], account, now)
        missing = [one.id for one in known.values() if not self._posts.has(one.id, one.version, now)]
        if missing:
            await self._render(conn, missing, known, uris, now)

    async def _render(
        self,
        conn: Connection,
        ids: Collection[int],
        known: Mapping[int, Version],
        uris: LocalUris,
        now: float,
    ) -> None:
        for row in (await statuses_by_id(conn, ids)).values():
            author = self._authors.get(row.actor_id)
            if row.id not in known or author is None:
                continue
            special = row.poll is not None or row.quote_uri
            self._posts.put(row.id, known[row.id].version, None if special else plain(row, author, uris), now)

    def _is_special(self, known: Mapping[int, Version], one: Version) -> bool:
        shared = known.get(one.reblog_of_id or 0)
        return self._posts.get(one.id) is None or (shared is not None and self._posts.get(shared.id) is None)

    def _compose(
        self,
        known: Mapping[int, Version],
        status_id: int,
        marks: Mapping[int, Marks],
        viewer_id: int | None,
    ) -> Status | None:
        one = known.get(status_id)
        if one is None:
            return None
        kept, author = self._posts.get(one.id), self._authors.get(one.actor_id)
        if kept is None or author is None:
            return None
        entity = copy.copy(kept)
        entity.account = author
        if one.reblog_of_id is not None:
            shared = self._compose(known, one.reblog_of_id, marks, viewer_id)
            if shared is None:
                return None
            dress_as(entity, shared)
        if viewer_id is not None:
            own = marks.get(one.reblog_of_id or one.id, UNMARKED)
            mark(entity, own, mine=one.actor_id == viewer_id)
        return entity
