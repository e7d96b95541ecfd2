"""Remote hosts: what was learned of each, whether it is in trouble, and when it is tried again.

A host is *held* while its deliveries are parked and not sent: it is failing (`failures` > 0), its backlog
is draining (`pace` > 0), or an operator paused it. `next_try_at` is when the backlog is looked at next.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from shared.database.pool import Connection


class Host(Struct, frozen=True, kw_only=True):
    """What delivery needs to know of a host; `host` carries the port where the URI does.

    `takes_ed25519` where it signs so itself or says that it understands it, and has not refused it lately.
    `latency` is how long it takes to answer, in seconds, 0 where that is not known.
    """

    host: str
    scheme: str = ""
    scheme_checked_at: datetime | None = None
    paused: bool = False
    failures: int = 0
    pace: int = 0
    last_success_at: datetime | None = None
    next_try_at: datetime | None = None
    takes_ed25519: bool = False
    latency: float = 0.0

    @property
    def held(self) -> bool:
        """Whether new deliveries join the parked ones, for order and for the host's sake."""
        return self.paused or self.failures > 0 or self.pace > 0


class Trouble(Struct, frozen=True, kw_only=True):
    """A host failed: why, and when it is tried again."""

    host: str
    error: str
    at: datetime
    next_try_at: datetime


class Success(Struct, frozen=True, kw_only=True):
    """A host answers; `scheme` is how the delivery was signed that it took, empty where it took none.

    `seconds` is how long it took to answer, 0 where that is not known. `ed25519_refused` where it took
    another signature only.
    """

    host: str
    scheme: str
    at: datetime
    seconds: float = 0.0
    ed25519_refused: bool = False


ED25519_AGAIN = timedelta(days=7)
"""How long a host is left alone with Ed25519 that refused it."""


async def known_hosts(conn: Connection, hosts: Sequence[str]) -> dict[str, Host]:
    """Return what is known of these hosts, by name."""
    rows = await conn.fetch(
        """
        SELECT host, signature_scheme, scheme_checked_at, paused, failures, pace, last_success_at,
               next_try_at, latency_ms,
               ed25519_seen_at IS NOT NULL AND COALESCE(ed25519_refused_at < now() - $2::interval, true)
                   AS takes_ed25519
          FROM hosts WHERE host = ANY($1::text[])
        """,
        hosts,
        ED25519_AGAIN,
    )
    return {
        row["host"]: Host(
            host=row["host"],
            scheme=row["signature_scheme"],
            scheme_checked_at=row["scheme_checked_at"],
            paused=row["paused"],
            failures=row["failures"],
            pace=row["pace"],
            last_success_at=row["last_success_at"],
            next_try_at=row["next_try_at"],
            takes_ed25519=row["takes_ed25519"],
            latency=row["latency_ms"] / 1000,
        )
        for row in rows
    }


async def note_ed25519(conn: Connection, hosts: Collection[str]) -> None:
    """Record that these hosts understand signatures by Ed25519 keys, once a day."""
    if not hosts:
        return
    await conn.execute(
        """
        INSERT INTO hosts AS h (host, ed25519_seen_at)
        SELECT host, now() FROM unnest($1::text[]) AS t (host)
            ON CONFLICT (host) DO UPDATE SET ed25519_seen_at = now()
         WHERE h.ed25519_seen_at IS NULL OR h.ed25519_seen_at < now() - interval '1 day'
        """,
        sorted(hosts),
    )


async def note_digest_forms(conn: Connection, forms: Mapping[str, str]) -> None:
    """Record how these hosts spell the digests of what they sign."""
    if not forms:
        return
    rows = sorted(forms.items())
    await conn.execute(
        """
        INSERT INTO hosts AS h (host, digest_form)
        SELECT host, form FROM unnest($1::text[], $2::text[]) AS t (host, form)
            ON CONFLICT (host) DO UPDATE SET digest_form = EXCLUDED.digest_form
         WHERE h.digest_form <> EXCLUDED.digest_form
        """,
        [host for host, _ in rows],
        [form for _, form in rows],
    )


async def record_troubles(conn: Connection, troubles: Iterable[Trouble]) -> None:
    """Count one more failure in a row for each of these hosts, once per host, and stop draining them."""
    rows = sorted(troubles, key=lambda trouble: trouble.host)
    await conn.execute(
        """
        INSERT INTO hosts AS h
               (host, failures, troubles, last_error, last_failure_at, next_try_at, recent_errors)
        SELECT host, 1, 1, error, at, next_try_at,
               jsonb_build_array(jsonb_build_object('at', at, 'error', error))
          FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
               AS t (host, error, at, next_try_at)
            ON CONFLICT (host) DO UPDATE
           SET failures = h.failures + 1, troubles = h.troubles + 1, pace = 0,
               last_error = EXCLUDED.last_error,
               last_failure_at = EXCLUDED.last_failure_at, next_try_at = EXCLUDED.next_try_at,
               recent_errors = jsonb_path_query_array(EXCLUDED.recent_errors || h.recent_errors, '$[0 to 19]')
        """,
        [row.host for row in rows],
        [row.error for row in rows],
        [row.at for row in rows],
        [row.next_try_at for row in rows],
    )


async def record_successes(conn: Connection, successes: Iterable[Success]) -> None:
    """Record that these hosts answer, once per host; a backlog of theirs starts to drain at once."""
    rows = sorted(successes, key=lambda success: success.host)
    await conn.execute(
        """
        INSERT INTO hosts AS h (host, signature_scheme, scheme_checked_at, last_success_at, latency_ms,
                                ed25519_refused_at)
        SELECT host, scheme, at, at, latency_ms, CASE WHEN refused THEN at END
          FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::boolean[])
               AS t (host, scheme, at, latency_ms, refused)
            ON CONFLICT (host) DO UPDATE
           SET signature_scheme = COALESCE(NULLIF(EXCLUDED.signature_scheme, ''), h.signature_scheme),
               scheme_checked_at = CASE WHEN EXCLUDED.signature_scheme = '' THEN h.scheme_checked_at
                                        ELSE EXCLUDED.scheme_checked_at END,
               last_success_at = EXCLUDED.last_success_at,
               ed25519_refused_at = COALESCE(EXCLUDED.ed25519_refused_at, h.ed25519_refused_at),
               latency_ms = CASE WHEN EXCLUDED.latency_ms = 0 THEN h.latency_ms
                                 WHEN h.latency_ms = 0 THEN EXCLUDED.latency_ms
                                 ELSE (h.latency_ms * 7 + EXCLUDED.latency_ms * 3) / 10 END,
               pace = CASE WHEN h.failures > 0 AND h.next_try_at IS NOT NULL THEN 1 ELSE h.pace END,
               next_try_at = CASE WHEN h.failures > 0 AND h.next_try_at IS NOT NULL
                                  THEN EXCLUDED.last_success_at ELSE h.next_try_at END,
               failures = 0
        """,
        [row.host for row in rows],
        [row.scheme for row in rows],
        [row.at for row in rows],
        [math.ceil(row.seconds * 1000) for row in rows],
        [row.ed25519_refused for row in rows],
    )


async def watch(conn: Connection, parked: Iterable[tuple[str, datetime]]) -> None:
    """See to it that what is parked is looked at in time: (host, when at the latest), any number per host.

    A failing host keeps the time of its probe.
    """
    rows = sorted(parked)
    await conn.execute(
        """
        INSERT INTO hosts AS h (host, next_try_at)
        SELECT host, min(at) FROM unnest($1::text[], $2::timestamptz[]) AS t (host, at)
         GROUP BY host ORDER BY host
            ON CONFLICT (host) DO UPDATE SET next_try_at = EXCLUDED.next_try_at
         WHERE h.next_try_at IS NULL OR (h.failures = 0 AND h.next_try_at > EXCLUDED.next_try_at)
        """,
        [host for host, _ in rows],
        [moment for _, moment in rows],
    )


async def slow_down(conn: Connection, slow: Mapping[str, datetime]) -> None:
    """Hold hosts that answer too slowly for what is sent, until these times and then at the least pace."""
    rows = sorted(slow.items())
    await conn.execute(
        """
        INSERT INTO hosts AS h (host, pace, next_try_at)
        SELECT host, 1, until FROM unnest($1::text[], $2::timestamptz[]) AS t (host, until)
            ON CONFLICT (host) DO UPDATE SET pace = 1, next_try_at = EXCLUDED.next_try_at
         WHERE h.failures = 0
        """,
        [host for host, _ in rows],
        [moment for _, moment in rows],
    )


async def due_hosts(conn: Connection, now: datetime, limit: int) -> list[Host]:
    """Lock and return hosts whose parked deliveries are to be looked at; another process takes others."""
    rows = await conn.fetch(
        """
        SELECT host, failures, pace, next_try_at FROM hosts
         WHERE next_try_at <= $1 AND NOT paused
         ORDER BY next_try_at LIMIT $2
           FOR UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )
    return [
        Host(host=row["host"], failures=row["failures"], pace=row["pace"], next_try_at=row["next_try_at"])
        for row in rows
    ]


async def schedule(conn: Connection, plans: Sequence[tuple[str, datetime | None, int]]) -> None:
    """Set when each host is looked at next, and its pace: (host, next try, pace)."""
    await conn.execute(
        """
        UPDATE hosts AS h SET next_try_at = t.next_try_at, pace = t.pace
          FROM unnest($1::text[], $2::timestamptz[], $3::integer[]) AS t (host, next_try_at, pace)
         WHERE h.host = t.host
        """,
        [host for host, _, _ in plans],
        [moment for _, moment, _ in plans],
        [pace for _, _, pace in plans],
    )


async def pause(conn: Connection, host: str, *, paused: bool) -> None:
    """Stop sending to a host, or start again; what is parked meanwhile is tried at once then."""
    await conn.execute(
        """
        INSERT INTO hosts AS h (host, paused) VALUES ($1, $2)
            ON CONFLICT (host) DO UPDATE
           SET paused = EXCLUDED.paused,
               next_try_at = CASE WHEN EXCLUDED.paused THEN h.next_try_at ELSE now() END
        """,
        host,
        paused,
    )


async def probe_now(conn: Connection, host: str) -> bool:
    """Have a host's parked deliveries looked at right away; false where the host is not known."""
    status = await conn.execute("UPDATE hosts SET next_try_at = now() WHERE host = $1 AND NOT paused", host)
    return status != "UPDATE 0"


async def count_failing(conn: Connection) -> int:
    """Count the hosts that are failing."""
    count: int = await conn.fetchval("SELECT count(*) FROM hosts WHERE failures > 0")
    return count
