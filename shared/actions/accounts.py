"""Making accounts, and tokens to act for them."""

import asyncio
import hashlib
import re
import secrets

import asyncpg

from shared.actions.passwords import hash_password
from shared.actions.site import Site
from shared.database import accounts as table
from shared.database.accounts import NewAccount
from shared.database.oauth import insert_token
from shared.database.pool import Connection
from shared.protocol.errors import Rejected

_NAME = re.compile(r"[a-z0-9_]{1,30}", re.IGNORECASE | re.ASCII)
MAX_DISPLAY_NAME = 100


class BadName(Rejected):
    """A name has up to 30 letters, digits and underscores."""

    reason = "bad_name"


class NameTaken(Rejected):
    """There is an account of this name."""

    reason = "name_taken"


async def create_account(
    conn: Connection,
    site: Site,
    username: str,
    *,
    secret_key: str,
    display_name: str = "",
    password: str = "",
    federated: bool = False,
    locked: bool = False,
) -> int:
    """Make a local account and return its id; call it inside a transaction.

    Args:
        conn: The database.
        site: Where it is made.
        username: Letters, digits and underscores.
        secret_key: `HEDDLE_SECRET_KEY`, under which its private keys are sealed.
        display_name: Shown beside the name; by default the name.
        password: For the sign-in page; without one only tokens open the account.
        federated: Whether other servers may know of it.
        locked: Whether it lets every follower in by hand.

    Raises:
        BadName: The name has other characters, or too many.
        NameTaken: There is an account of this name.
        WeakPassword: The password is too short or too long.
    """
    if not _NAME.fullmatch(username):
        raise BadName(f"{username[:40]!r} is not a name: up to 30 letters, digits and underscores")
    account = NewAccount(
        username=username,
        display_name=display_name.strip()[:MAX_DISPLAY_NAME],
        password_hash=await asyncio.to_thread(hash_password, password) if password else "",
        federated=federated,
        locked=locked,
    )
    try:
        async with conn.transaction():
            return await table.create_local(
                conn, account, uris=site.uris, ids=site.ids, secret_key=secret_key
            )
    except asyncpg.UniqueViolationError as error:
        raise NameTaken(f"There is an account {username} already") from error


async def create_token(
    conn: Connection, account_id: int, scopes: tuple[str, ...], *, app_id: int | None = None
) -> str:
    """Return a new access token of an account; only its SHA-256 is kept."""
    token = secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).digest()
    await insert_token(conn, digest, app_id=app_id, account_id=account_id, scopes=scopes)
    return token
