"""The database: reachable, up to date, its keys readable, its clock right."""

from datetime import UTC, datetime

from services.operator_console.checks.findings import Finding, failed, ok, warning
from services.operator_console.session import Session, open_session
from shared.database import migrator
from shared.protocol.errors import Rejected, Unavailable
from shared.resolution import instance_signer
from shared.runtime.settings import Settings

MAX_SKEW = 5.0
"""Seconds between our clock and the database's before it is worth a word."""

_OLDEST = 150000
_OLDEST_NAME = "15"


async def check_database(settings: Settings) -> list[Finding]:
    """Examine the database."""
    try:
        missing = await migrator.pending(settings.database_url)
        if missing:
            return [failed("database", f"lacks {len(missing)} migrations: run heddle migrate")]
        async with open_session(settings) as session:
            return [await _version(session), *await _keys(session), await _clock(session)]
    except (Rejected, Unavailable) as error:
        return [failed("database", str(error))]


async def _version(session: Session) -> Finding:
    async with session.pool.acquire() as conn:
        number = int(await conn.fetchval("SHOW server_version_num"))
        name = await conn.fetchval("SHOW server_version")
    if number < _OLDEST:
        return failed("database", f"PostgreSQL {name} is too old: {_OLDEST_NAME} or newer is needed")
    return ok("database", f"PostgreSQL {name}, all migrations applied")


async def _keys(session: Session) -> list[Finding]:
    """Tell whether the secret key opens what was sealed with it."""
    try:
        await instance_signer(session.pool, session.site.uris, session.settings.secret_key)
    except Rejected:
        return [failed("keys", "HEDDLE_SECRET_KEY is not the one that sealed the private keys")]
    except Unavailable:
        return [failed("keys", "there is no instance actor for this origin: run heddle migrate")]
    return [ok("keys", "the private keys can be opened")]


async def _clock(session: Session) -> Finding:
    async with session.pool.acquire() as conn:
        before = datetime.now(UTC)
        theirs: datetime = await conn.fetchval("SELECT clock_timestamp()")
        after = datetime.now(UTC)
    skew = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    if skew > MAX_SKEW:
        return warning("clock", f"ours and the database's are {skew:.0f} s apart")
    return ok("clock", "ours and the database's agree")
