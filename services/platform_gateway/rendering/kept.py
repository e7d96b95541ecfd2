"""Posts as they were rendered last, for lists that many people read: shown again while nothing has changed.

Whether anything has is asked of the database, each time: a post is what it was while its row and its
author's row are. What those rows do not tell, such as a new name of somebody mentioned, is seen within
`FRESH` seconds. Quotes and polls depend on the viewer and on time, and are rendered anew.
"""

import copy
import time
from collections.abc import Collection, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from services.platform_gateway.entities.accounts import Account
from services.platform_gateway.entities.statuses import Status
from services.platform_gateway.rendering.accounts import load_accounts
from services.platform_gateway.rendering.statuses import UNMARKED, dress_as, load_statuses, mark, plain
from shared.database.api_statuses import Shown, Version, statuses_by_id
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


class Kept:
    """What this process rendered lately.

    Args:
        most: How many posts, and how many authors.
    """

    def __init__(self, most: int = MOST) -> None:
        self._posts: dict[int, _Entry[Status | None]] = {}
        self._authors: dict[int, _Entry[Account]] = {}
        self._most = most

    @property
    def sizes(self) -> tuple[int, int]:
        """How many posts and authors are kept."""
        return len(self._posts), len(self._authors)

    async def load(
        self, conn: Connection, ids: Sequence[int], viewer_id: int | None, uris: LocalUris
    ) -> list[Status]:
        """Return posts in the order of their ids, exactly as `load_statuses` does."""
        shown = Shown()
        await shown.complete(conn, ids, viewer_id)
        return await self.show(conn, ids, viewer_id, uris, shown)

    async def show(
        self, conn: Connection, ids: Sequence[int], viewer_id: int | None, uris: LocalUris, shown: Shown
    ) -> list[Status]:
        """Do the same with what was looked up already."""
        await self._refresh(conn, shown.versions.values(), uris)
        found = [self._compose(shown, one, viewer_id) for one in ids]
        apart = [one for one, status in zip(ids, found, strict=True) if status is None]
        if apart:
            others = {int(one.id): one for one in await load_statuses(conn, apart, viewer_id, uris)}
            found = [status or others.get(one) for one, status in zip(ids, found, strict=True)]
        _shrink(self._posts, self._most)
        _shrink(self._authors, self._most)
        return [status for status in found if status is not None]

    async def _refresh(self, conn: Connection, known: Collection[Version], uris: LocalUris) -> None:
        """Render what is not kept, or not as it is now."""
        now = time.monotonic()
        posts, authors = self._posts, self._authors
        actors = {
            one.actor_id: one.actor_version
            for one in known
            if (kept := authors.get(one.actor_id)) is None
            or kept.version != one.actor_version
            or kept.until < now
        }
        if actors:
            for actor_id, account in (await load_accounts(conn, actors, uris)).items():
                _put(authors, actor_id, _Entry(actors[actor_id], now + FRESH, account))
        missing = {
            one.id: one.version
            for one in known
            if (post := posts.get(one.id)) is None or post.version != one.version or post.until < now
        }
        for row in (await statuses_by_id(conn, missing)).values() if missing else ():
            author = authors.get(row.actor_id)
            if row.id in missing and author is not None:
                special = row.poll is not None or row.quote_uri
                entity = None if special else plain(row, author.value, uris)
                _put(posts, row.id, _Entry(missing[row.id], now + FRESH, entity))

    def _compose(self, shown: Shown, status_id: int, viewer_id: int | None) -> Status | None:
        """Return a post out of what is kept; None where it is rendered apart, or gone."""
        one = shown.versions.get(status_id)
        if one is None:
            return None
        kept, author = self._posts.get(status_id), self._authors.get(one.actor_id)
        if kept is None or author is None or kept.value is None:
            return None
        entity = copy.copy(kept.value)
        entity.account = author.value
        if one.reblog_of_id is not None:
            shared = self._compose(shown, one.reblog_of_id, viewer_id)
            if shared is None:
                return None
            dress_as(entity, shared)
        if viewer_id is not None:
            own = shown.marks.get(one.reblog_of_id or status_id, UNMARKED)
            mark(entity, own, mine=one.actor_id == viewer_id)
        return entity


def _put(shelf: dict[int, T], identifier: int, entry: T) -> None:
    """Put something on a shelf, as its newest."""
    shelf.pop(identifier, None)
    shelf[identifier] = entry


def _shrink(shelf: dict[int, T], most: int) -> None:
    """Drop what was put on a shelf first, as far as there is too much."""
    while len(shelf) > most:
        del shelf[next(iter(shelf))]
