"""The relays that public posts go to, remembered for a few seconds: every plan asks for them."""

import time

from shared.database import relays
from shared.database.delivery_plans import Destination
from shared.database.pool import Connection
from shared.protocol.activities import Activity, Create, Delete, Follow, Undo, UpdateNote
from shared.protocol.identifiers import PUBLIC

TTL = 5.0
"""Seconds until a change of the list is noticed."""


class Relays:
    """Tells where an activity goes beside those that it concerns."""

    def __init__(self) -> None:
        self._inboxes: list[str] = []
        self._valid_until = 0.0

    async def destinations(
        self, conn: Connection, activity: Activity, *, by_site: bool, federated: bool
    ) -> list[Destination]:
        """Return the inboxes of relays for a public post, its edit and its end, or of the one (un)followed.

        Args:
            conn: The database.
            activity: Ours.
            by_site: Whether it is the instance actor's.
            federated: Whether its author shares posts with other servers.
        """
        match activity:
            case Follow(id=follow_uri) | Undo(undone_id=follow_uri) if by_site:
                inbox = await relays.inbox_of(conn, follow_uri)
                return [] if inbox is None else [Destination(inbox=inbox, shared=False)]
            case Create() | UpdateNote() | Delete() if federated and PUBLIC in activity.to:
                return [Destination(inbox=inbox, shared=True) for inbox in await self._accepted(conn)]
        return []

    async def _accepted(self, conn: Connection) -> list[str]:
        if time.monotonic() >= self._valid_until:
            self._inboxes = await relays.inboxes(conn)
            self._valid_until = time.monotonic() + TTL
        return self._inboxes
