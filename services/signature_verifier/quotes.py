"""Quotes with consent (FEP-044f): the stamp is checked at its server, and what is quoted is fetched along."""

import structlog
from msgspec.structs import replace

from services.signature_verifier.gate import Gate
from shared.database import statuses
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.activities import Activity, Create, UpdateNote
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import PUBLIC, host_of
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import Note
from shared.resolution import Resolver
from shared.resolution.quotes import is_stamped_elsewhere

log = structlog.get_logger(__name__)


def quoting(activity: Activity, uris: LocalUris) -> Note | None:
    """Return the post of an activity if its quote is confirmed by another server, or may be."""
    if isinstance(activity, Create | UpdateNote) and is_stamped_elsewhere(activity.note, uris):
        return activity.note
    return None


class Quotes:
    """Looks at quotes.

    Args:
        pool: The database.
        resolver: Fetches stamps and quoted posts.
        uris: What is local.
        gate: Bounds what is under way to one host.
    """

    def __init__(self, pool: Pool, resolver: Resolver, uris: LocalUris, gate: Gate) -> None:
        self._pool = pool
        self._resolver = resolver
        self._uris = uris
        self._gate = gate

    async def look_at(self, activity: Activity, signer: str) -> tuple[Activity, tuple[Note, ...]]:
        """Return an activity, its quote marked where it is confirmed, and what it quotes unless that is here.

        What is not confirmed is shown without its quote, so nothing is fetched for it.
        """
        note = quoting(activity, self._uris)
        if note is None or activity.actor != signer or not isinstance(activity, Create | UpdateNote):
            return activity, ()
        try:
            async with self._gate.enter(host_of(note.quote_authorization)):
                confirmed = await self._resolver.confirmed(note)
                fetched = await self._quoted(note.quote or "") if confirmed.quote_confirmed else ()
        except (Rejected, Unavailable) as error:
            log.info("quote_not_fetched", post=note.id, reason=error.reason)
            return activity, ()
        return replace(activity, note=confirmed), fetched

    async def _quoted(self, uri: str) -> tuple[Note, ...]:
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                if await statuses.by_uri(conn, uri) is not None:
                    return ()
        note = await self._resolver.note(uri)
        return (note,) if PUBLIC in note.to or PUBLIC in note.cc else ()
