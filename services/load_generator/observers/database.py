"""Sees everything in the target's database: what was applied, what was refused, whether counters agree."""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from services.load_generator.ledger import Effect, Ledger
from shared.database import load_audit
from shared.database.pool import Pool, create_pool, unavailable_when_down
from shared.protocol.identifiers import uri_hash

_AT_A_TIME = 2000
_OF_A_POST = "/activity"
_OF_AN_EDIT = "#updates/"
_APPLIED = "applied"


class DatabaseObserver:
    """Asks for the ids that are waited for, a few thousand at a time.

    Args:
        pool: The target's database; nothing is written there.
        people: URIs of the local accounts whose counters are checked.
    """

    name = "the target's database"

    def __init__(self, pool: Pool, people: Sequence[str]) -> None:
        self._pool, self._people = pool, people
        self._offset = time.monotonic() - time.time()
        self._begun = datetime.now(UTC)
        self._stored: dict[str, None] = {}
        self._counted: set[tuple[bytes, datetime]] = set()
        self._drift_before: set[tuple[str, str]] = set()

    @classmethod
    async def open(cls, url: str, people: Sequence[str]) -> "DatabaseObserver":
        """Return an observer; raises Unavailable where the database does not answer."""
        pool = await create_pool(url, max_size=2, application_name="heddle-load")
        observer = cls(pool, people)
        observer._drift_before = {(drift.subject, drift.counter) for drift in await observer._drift()}
        return observer

    def sees(self, kind: str) -> bool:  # noqa: ARG002 - the interface's
        """Everything shows here."""
        return True

    async def look(self, pending: Sequence[str]) -> list[Effect]:
        """Return what became of the oldest of these."""
        effects = await self._effects(pending[:_AT_A_TIME])
        self._stored |= {
            one.key: None for one in effects if one.outcome == _APPLIED and one.key.endswith(_OF_A_POST)
        }
        return effects

    async def confirm(self, ledger: Ledger) -> list[str]:
        """See that posts said to be applied are stored, and nothing was applied again; check counters."""
        for keys in _chunks(list(self._stored)):
            await self._confirm_posts(ledger, keys)
        self._stored.clear()
        for keys in _chunks([*ledger.hostile_keys(), *ledger.settled_keys()]):
            ledger.seen_all(await self._effects(keys))
        return [
            f"{drift.counter} of {drift.subject}: the counter says {drift.says}, there are {drift.rows}"
            for drift in await self._drift()
            if (drift.subject, drift.counter) not in self._drift_before
        ]

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

    async def _effects(self, keys: Sequence[str]) -> list[Effect]:
        """Return what was applied or refused of these and has not been returned before."""
        if not keys:
            return []
        hashes = [uri_hash(key) for key in keys]
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                claimed = await load_audit.claims_of(conn, hashes)
                if any(_OF_AN_EDIT in key for key in keys):
                    claimed += await load_audit.updates_since(conn, self._begun)
                turned = await load_audit.refusals_of(conn, hashes)
        applied = {one.uri for one in claimed}
        # A second copy with a bad signature is refused without harm to the first.
        return [self._effect(one) for one in self._fresh(claimed)] + [
            Effect(key=one.uri, at=self._at(one.at), refused=one.reason)
            for one in turned
            if one.uri not in applied
        ]

    def _fresh(self, claimed: Sequence[load_audit.Claimed]) -> list[load_audit.Claimed]:
        """Return the rows that were not seen before: each of them is an effect of its own."""
        fresh = {(one.hash, one.applied_at): one for one in claimed}
        fresh = {row: one for row, one in fresh.items() if row not in self._counted}
        self._counted |= fresh.keys()
        return list(fresh.values())

    def _effect(self, one: load_audit.Claimed) -> Effect:
        return Effect(key=one.uri, at=self._at(one.applied_at), outcome=one.outcome)

    async def _confirm_posts(self, ledger: Ledger, keys: Sequence[str]) -> None:
        # A post is stored under its own id, a boost under that of its activity.
        either = {uri_hash(key.removesuffix(_OF_A_POST)): key for key in keys}
        either |= {uri_hash(key): key for key in keys}
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                known = await load_audit.posts_known(conn, list(either))
        for key in set(keys) - {either[found] for found in known}:
            ledger.undo_effect(key)

    async def _drift(self) -> list[load_audit.Drift]:
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                return await load_audit.counter_drift(conn, self._people)

    def _at(self, moment: datetime) -> float:
        return moment.timestamp() + self._offset


def _chunks(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    return (keys[start : start + _AT_A_TIME] for start in range(0, len(keys), _AT_A_TIME))
