"""Checks a name and a password, at a bounded rate, and in the same time whether or not the name exists."""

import asyncio
import hashlib

from aiohttp import web

from services.platform_gateway.errors import ApiError
from shared.actions.passwords import DUMMY, verify
from shared.database.pool import Pool
from shared.database.sign_ins import credentials_by_name, forget_failures, note_attempt

MAX_FAILURES = 10
"""Failed attempts at one name from one address in `WINDOW_SECONDS`."""
MAX_FAILURES_PER_NAME = 100
"""Failed attempts at one name from anywhere."""
WINDOW_SECONDS = 900

SLOTS: web.AppKey[asyncio.Semaphore] = web.AppKey("sign_in_slots", asyncio.Semaphore)
"""Argon2 takes 64 MiB and a core each time: a few slots leave room for everybody else."""


class TooManyAttempts(ApiError):
    """This name was tried too often."""

    def __init__(self) -> None:
        super().__init__(429, "Too many attempts", headers={"Retry-After": str(WINDOW_SECONDS)})


async def account_for(
    pool: Pool, slots: asyncio.Semaphore, *, name: str, password: str, address: str
) -> int | None:
    """Return the account's id where name and password fit; raises TooManyAttempts.

    An attempt is counted before the password is looked at, so that many at once cannot slip through.
    """
    subjects = [_subject("pair", name, address), _subject("name", name, "")]
    async with pool.acquire() as conn:
        failures = await note_attempt(conn, subjects, WINDOW_SECONDS)
        if failures[subjects[0]] > MAX_FAILURES or failures[subjects[1]] > MAX_FAILURES_PER_NAME:
            raise TooManyAttempts
        known = await credentials_by_name(conn, name)
    async with slots:
        fits = await asyncio.to_thread(verify, known.password_hash if known else DUMMY, password)
    if known is None or not fits:
        return None
    async with pool.acquire() as conn:
        await forget_failures(conn, subjects)
    return known.account_id


def _subject(kind: str, name: str, address: str) -> bytes:
    return hashlib.sha256(f"{kind}\n{name.casefold()}\n{address}".encode()).digest()[:16]
