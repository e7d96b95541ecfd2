"""Posts as they were rendered last, for lists that many people read: shown again while nothing has changed.

Whether anything has is asked of the database, each time: a post is what it was while its row and its
author's row are. What those rows do not tell, such as a new name of somebody mentioned, is seen within
`FRESH` seconds. Quotes, polls, and posts that some may quote and others not depend on the viewer and on time,
and are rendered anew.
"""

import copy
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Generic, TypeVar

from msgspec import Raw, Struct, json

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
"""Posts, and authors, that are kept: some 30 MB."""


class _Entry(Struct, Generic[T]):
    version: int
    until: float
    value: T


class _Whole(Struct):
    """The JSON of a post as it is shown to those who did nothing with it, and what it was made of."""

    one: Version
    shared: Version | None
    until: float
    json: Raw


class Kept:
    """What this process rendered lately.

    Args:
        most: How many posts, and how many authors.
    """

    def __init__(self, most: int = MOST) -> None:
        self._posts: dict[int, _Entry[Status | None]] = {}
        self._authors: dict[int, _Entry[Account]] = {}
        self._wholes: dict[int, _Whole] = {}
        self._most = most

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many posts and authors are kept, and how many posts as JSON."""
        return len(self._posts), len(self._authors), len(self._wholes)

    async def load(
        self, conn: Connection, ids: Sequence[int], viewer_id: int | None, uris: LocalUris
    ) -> list[Status | Raw]:
        """Return posts in the order of their ids, exactly as `load_statuses` does, some as JSON already."""
        shown = Shown()
        await shown.complete(conn, ids, viewer_id)
        return await self.show(conn, ids, viewer_id, uris, shown)

    async def show(
        self, conn: Connection, ids: Sequence[int], viewer_id: int | None, uris: LocalUris, shown: Shown
    ) -> list[Status | Raw]:
        """Do the same with what was looked up already."""
        found: dict[int, Status | Raw] = dict(self._whole(shown, ids, viewer_id))
        apart = [one for one in ids if one not in found]
        if apart:
            found |= await self._show(conn, apart, viewer_id, uris, shown)
        return [found[one] for one in ids if one in found]

    async def entities(
        self,
        conn: Connection,
        ids: Sequence[int],
        viewer_id: int | None,
        uris: LocalUris,
        shown: Shown | None = None,
    ) -> list[Status]:
        """Do the same for somebody who still writes on the posts: none comes as JSON, each is a copy."""
        if shown is None:
            shown = Shown()
            await shown.complete(conn, ids, viewer_id)
        found = await self._show(conn, ids, viewer_id, uris, shown)
        return [found[one] for one in ids if one in found]

    async def _show(
        self, conn: Connection, ids: Sequence[int], viewer_id: int | None, uris: LocalUris, shown: Shown
    ) -> dict[int, Status]:
        await self._refresh(conn, _behind(shown, ids), uris)
        found = {one: entity for one in ids if (entity := self._compose(shown, one, viewer_id)) is not None}
        if viewer_id is not None:
            for one, entity in found.items():
                self._keep_whole(shown, one, viewer_id, entity)
        apart = [one for one in ids if one not in found]
        if apart:
            found |= {int(one.id): one for one in await load_statuses(conn, apart, viewer_id, uris)}
        _shrink(self._posts, self._most)
        _shrink(self._authors, self._most)
        _shrink(self._wholes, self._most)
        return found

    def _whole(self, shown: Shown, ids: Sequence[int], viewer_id: int | None) -> Iterator[tuple[int, Raw]]:
        """Return the JSON that is kept of those posts that this viewer sees like most."""
        if viewer_id is None:
            return
        now = time.monotonic()
        for status_id in ids:
            whole = self._wholes.get(status_id)
            if whole is None or whole.until < now:
                continue
            one = shown.versions.get(status_id)
            if one == whole.one and _unmarked(shown, whole.one, whole.shared, viewer_id):
                yield status_id, whole.json

    def _keep_whole(self, shown: Shown, status_id: int, viewer_id: int, entity: Status) -> None:
        """Keep the JSON of a post, if this viewer sees it like most."""
        one = shown.versions[status_id]
        shared = None if one.reblog_of_id is None else shown.versions[one.reblog_of_id]
        if _unmarked(shown, one, shared, viewer_id):
            parts = [part for part in (one, shared) if part is not None]
            until = min(
                until
                for part in parts
                for until in (self._posts[part.id].until, self._authors[part.actor_id].until)
            )
            _put(self._wholes, status_id, _Whole(one, shared, until, Raw(json.encode(entity))))

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
                personal = row.quote_terms is not None and row.quote_terms.personal
                special = row.poll is not None or row.quote_uri or personal
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


def _behind(shown: Shown, ids: Sequence[int]) -> list[Version]:
    """Return the versions of posts, and of what they share."""
    found = [shown.versions[one] for one in ids if one in shown.versions]
    shared = [one.reblog_of_id for one in found if one.reblog_of_id is not None]
    return [*found, *(shown.versions[one] for one in shared if one in shown.versions)]


def _unmarked(shown: Shown, one: Version, shared: Version | None, viewer_id: int) -> bool:
    """Whether a post, and what it shares as it was, is a viewer's own in no way."""
    if one.actor_id == viewer_id or (one.reblog_of_id or one.id) in shown.marks:
        return False
    return shared is None or (shared.actor_id != viewer_id and shown.versions.get(shared.id) == shared)


def _put(shelf: dict[int, T], identifier: int, entry: T) -> None:
    """Put something on a shelf, as its newest."""
    shelf.pop(identifier, None)
    shelf[identifier] = entry


def _shrink(shelf: dict[int, T], most: int) -> None:
    """Drop what was put on a shelf first, as far as there is too much."""
    while len(shelf) > most:
        del shelf[next(iter(shelf))]
