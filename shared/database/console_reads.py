"""What operators look at: hosts with their backlog, what was refused lately, accounts, the outbox' depth."""

from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection
from shared.database.refusals import Refusal
from shared.protocol.objects import ActorKind


class HostReport(Struct, frozen=True, kw_only=True):
    """A remote host: what it is, how it takes our deliveries, and what waits for it.

    `failures` are those in a row, `troubles` all of them; `pace` is how many parked deliveries it is given
    at a time, 0 while it is not catching up; `latency_ms` is 0 where it is not known. `profiled_at` is when
    it was last asked for its software; `recent_errors` are its latest troubles with their times.
    `digest_form` is how it spells the digests of what it signs itself, `fetch_accept` what we have to ask for
    where it answers 406 to the usual `Accept`.
    """

    host: str
    software: str
    software_version: str
    signature_scheme: str
    scheme_checked_at: datetime | None
    digest_form: str
    fetch_accept: str
    latency_ms: int
    paused: bool
    pace: int
    failures: int
    troubles: int
    last_error: str
    recent_errors: list[dict[str, str]]
    profiled_at: datetime | None
    last_failure_at: datetime | None
    last_success_at: datetime | None
    next_try_at: datetime | None
    first_seen_at: datetime
    parked: int
    dead: int
    retired_inboxes: int
    actors: int


_HOSTS = """
SELECT h.host, h.software, h.software_version, h.signature_scheme, h.scheme_checked_at,
       h.digest_form, h.fetch_accept, h.latency_ms,
       h.paused, h.pace, h.failures, h.troubles, h.last_error, h.recent_errors, h.profiled_at,
       h.last_failure_at,
       h.last_success_at, h.next_try_at, h.first_seen_at,
       (SELECT count(*) FROM deliveries d WHERE d.host = h.host AND d.state = 2) AS parked,
       (SELECT count(*) FROM deliveries d WHERE d.host = h.host AND d.state = 3) AS dead,
       (SELECT count(*) FROM retired_inboxes r
         WHERE r.host = h.host AND r.retired_until > now()) AS retired_inboxes,
       (SELECT count(*) FROM actors a WHERE a.domain = h.host AND NOT a.local
                                        AND a.deleted_at IS NULL) AS actors
  FROM hosts h
"""


async def hosts_in_order_of_trouble(conn: Connection, *, only_troubled: bool, limit: int) -> list[HostReport]:
    """Return hosts, those in trouble first."""
    rows = await conn.fetch(
        f"""{_HOSTS}
         WHERE NOT $1 OR h.failures > 0 OR h.paused OR h.next_try_at IS NOT NULL
         ORDER BY h.failures DESC, h.paused DESC, h.next_try_at NULLS LAST, h.host LIMIT $2
        """,
        only_troubled,
        limit,
    )
    return [HostReport(**dict(row)) for row in rows]


async def host_by_name(conn: Connection, host: str) -> HostReport | None:
    """Return a host that we sent to or heard from."""
    row = await conn.fetchrow(f"{_HOSTS} WHERE h.host = lower($1)", host)
    return None if row is None else HostReport(**dict(row))


async def recent_refusals(conn: Connection, limit: int) -> list[Refusal]:
    """Return what was refused after its 202, the latest first."""
    rows = await conn.fetch(
        """
        SELECT activity_uri, actor_uri, stage, reason, detail, trace, at
          FROM refusals ORDER BY at DESC LIMIT $1
        """,
        limit,
    )
    return [Refusal(**dict(row)) for row in rows]


class AccountReport(Struct, frozen=True, kw_only=True):
    """A local account as its operator sees it."""

    id: str
    acct: str
    display_name: str
    uri: str
    url: str
    federated: bool
    locked: bool
    suspended_at: datetime | None
    deleted_at: datetime | None
    followers: int
    following: int
    posts: int
    created_at: datetime
    last_active_at: datetime | None


_ACCOUNTS = f"""
SELECT a.id::text AS id, a.username AS acct, a.display_name, a.uri, a.url, c.federated, a.locked,
       a.suspended_at, a.deleted_at, a.followers_count AS followers, a.following_count AS following,
       a.statuses_count AS posts, a.created_at, c.last_active_at
  FROM actors a
  JOIN accounts c ON c.actor_id = a.id
 WHERE a.local AND a.kind <> {ActorKind.APPLICATION.value}
"""  # noqa: S608 - a constant number


async def accounts(conn: Connection, *, limit: int) -> list[AccountReport]:
    """Return the local accounts, oldest first."""
    rows = await conn.fetch(f"{_ACCOUNTS} ORDER BY a.created_at, a.id LIMIT $1", limit)
    return [AccountReport(**dict(row)) for row in rows]


async def account_by_name(conn: Connection, name: str) -> AccountReport | None:
    """Return a local account, also a suspended one."""
    row = await conn.fetchrow(
        f"{_ACCOUNTS} AND lower(a.username) = lower($1) ORDER BY a.deleted_at DESC NULLS FIRST LIMIT 1", name
    )
    return None if row is None else AccountReport(**dict(row))


class Backlog(Struct, frozen=True, kw_only=True):
    """What waits in the database: messages to publish with the age of the oldest, deliveries by state."""

    outbox: int
    outbox_seconds: float
    parked: int
    dead: int
    troubled_hosts: int


async def backlog(conn: Connection) -> Backlog:
    """Return what waits right now."""
    row = await conn.fetchrow(
        """
        SELECT (SELECT count(*) FROM outbox WHERE not_before <= now()) AS outbox,
               (SELECT coalesce(extract(epoch FROM now() - min(greatest(created_at, not_before))), 0)::float8
                  FROM outbox WHERE not_before <= now()) AS outbox_seconds,
               (SELECT count(*) FROM deliveries WHERE state = 2) AS parked,
               (SELECT count(*) FROM deliveries WHERE state = 3) AS dead,
               (SELECT count(*) FROM hosts WHERE failures > 0 OR paused) AS troubled_hosts
        """
    )
    if row is None:
        return Backlog(outbox=0, outbox_seconds=0.0, parked=0, dead=0, troubled_hosts=0)
    return Backlog(**dict(row))
