"""Inboxes that are gone: nothing is planned for them for a while, and what waits for them is given up."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.database.pool import Connection

RETIRED_FOR: Final = timedelta(days=30)
"""After which an inbox is tried once more: servers come back, and domains get new owners."""

CONFIRMED_AFTER: Final = timedelta(days=1)
"""How long a whole host has to answer so, with nothing taken in between."""


class Gone(Struct, frozen=True, kw_only=True):
    """An inbox answered that it is not there any more."""

    inbox: str
    host: str
    shared: bool
    at: datetime


async def note_gone(conn: Connection, answers: Iterable[Gone]) -> list[str]:
    """Record these answers; return the inboxes that are retired by them.

    Somebody's own inbox is retired at once; a shared one speaks for a whole host, and has to say it again
    a day later with no delivery taken by the host meanwhile.
    """
    unique = {one.inbox: one for one in answers}
    rows = [unique[inbox] for inbox in sorted(unique)]
    found = await conn.fetch(
        """
        INSERT INTO retired_inboxes AS r (inbox, host, first_at, retired_until)
        SELECT inbox, host, at, CASE WHEN NOT shared THEN at + $5 END
          FROM unnest($1::text[], $2::text[], $3::boolean[], $4::timestamptz[]) AS t (inbox, host, shared, at)
            ON CONFLICT (inbox) DO UPDATE
           SET first_at = CASE WHEN r.first_at <= (SELECT last_success_at FROM hosts h WHERE h.host = r.host)
                               THEN EXCLUDED.first_at ELSE r.first_at END,
               retired_until = CASE
                   WHEN EXCLUDED.retired_until IS NOT NULL THEN EXCLUDED.retired_until
                   WHEN r.first_at <= (SELECT last_success_at FROM hosts h WHERE h.host = r.host) THEN NULL
                   WHEN EXCLUDED.first_at - r.first_at >= $6 THEN EXCLUDED.first_at + $5 END
        RETURNING inbox, retired_until
        """,
        [row.inbox for row in rows],
        [row.host for row in rows],
        [row.shared for row in rows],
        [row.at for row in rows],
        RETIRED_FOR,
        CONFIRMED_AFTER,
    )
    return [row["inbox"] for row in found if row["retired_until"] is not None]


async def give_up_parked(conn: Connection, inboxes: Sequence[str]) -> None:
    """Give up what is parked for these inboxes."""
    await conn.execute(
        """
        UPDATE deliveries AS d
           SET state = 3, reason = 'inbox_retired', next_try_at = NULL, updated_at = now()
          FROM retired_inboxes r
         WHERE r.inbox = ANY($1::text[]) AND d.host = r.host AND d.inbox = r.inbox AND d.state = 2
        """,
        inboxes,
    )


async def retired(conn: Connection, inboxes: Sequence[str]) -> set[str]:
    """Return those of these inboxes that are retired now."""
    rows = await conn.fetch(
        "SELECT inbox FROM retired_inboxes WHERE inbox = ANY($1::text[]) AND retired_until > now()", inboxes
    )
    return {row["inbox"] for row in rows}


async def reinstate(conn: Connection, host: str) -> None:
    """Forget what the inboxes of a host answered: they are tried again."""
    await conn.execute("DELETE FROM retired_inboxes WHERE host = $1", host)
