"""Apps, authorization codes and tokens. Secrets, codes and tokens are looked up by their SHA-256 only."""

from datetime import datetime

from msgspec import Struct

from shared.database.authors import AUTHOR_COLUMNS, Author, author_of
from shared.database.pool import Connection


class AppRow(Struct, frozen=True, kw_only=True):
    """A registered app; `secret_hash` is the hexadecimal SHA-256 of its secret."""

    id: int
    client_id: str
    secret_hash: str
    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    website: str


class CodeRow(Struct, frozen=True, kw_only=True):
    """What an authorization code was given out for."""

    app_id: int
    account_id: int
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    expires_at: datetime


class TokenRow(Struct, frozen=True, kw_only=True):
    """A valid token: whose it is (no author: the app's own), and by which app (none: the command line)."""

    scopes: tuple[str, ...]
    created_at: datetime
    app: AppRow | None
    author: Author | None


async def insert_app(conn: Connection, app: AppRow) -> None:
    """Register an app."""
    await conn.execute(
        """
        INSERT INTO oauth_apps (id, client_id, client_secret, name, redirect_uris, scopes, website)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        app.id,
        app.client_id,
        app.secret_hash,
        app.name,
        list(app.redirect_uris),
        list(app.scopes),
        app.website,
    )


async def app_by_client_id(conn: Connection, client_id: str) -> AppRow | None:
    """Return the app that calls itself by this id."""
    row = await conn.fetchrow(
        """
        SELECT id, client_id, client_secret, name, redirect_uris, scopes, website
          FROM oauth_apps WHERE client_id = $1
        """,
        client_id,
    )
    if row is None:
        return None
    return AppRow(
        id=row["id"],
        client_id=row["client_id"],
        secret_hash=row["client_secret"],
        name=row["name"],
        redirect_uris=tuple(row["redirect_uris"]),
        scopes=tuple(row["scopes"]),
        website=row["website"],
    )


async def insert_code(conn: Connection, code_hash: bytes, code: CodeRow) -> None:
    """Keep an authorization code until it is used or expires."""
    await conn.execute(
        """
        INSERT INTO oauth_codes
               (code_hash, app_id, account_id, redirect_uri, scopes, code_challenge, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        code_hash,
        code.app_id,
        code.account_id,
        code.redirect_uri,
        list(code.scopes),
        code.code_challenge,
        code.expires_at,
    )


async def take_code(conn: Connection, code_hash: bytes, app_id: int) -> CodeRow | None:
    """Remove an app's code and return it; a code works once, and nobody else's request uses it up."""
    row = await conn.fetchrow(
        """
        DELETE FROM oauth_codes WHERE code_hash = $1 AND app_id = $2
        RETURNING app_id, account_id, redirect_uri, scopes, code_challenge, expires_at
        """,
        code_hash,
        app_id,
    )
    if row is None:
        return None
    return CodeRow(
        app_id=row["app_id"],
        account_id=row["account_id"],
        redirect_uri=row["redirect_uri"],
        scopes=tuple(row["scopes"]),
        code_challenge=row["code_challenge"],
        expires_at=row["expires_at"],
    )


async def delete_expired_codes(conn: Connection) -> None:
    """Forget the codes that nobody came to use."""
    await conn.execute("DELETE FROM oauth_codes WHERE expires_at < now()")


async def insert_token(
    conn: Connection,
    token_hash: bytes,
    *,
    app_id: int | None,
    account_id: int | None,
    scopes: tuple[str, ...],
) -> datetime:
    """Record a token and return when it was made."""
    made: datetime = await conn.fetchval(
        """
        INSERT INTO oauth_tokens (token_hash, app_id, account_id, scopes)
        VALUES ($1, $2, $3, $4)
        RETURNING created_at
        """,
        token_hash,
        app_id,
        account_id,
        list(scopes),
    )
    return made


async def revoke_token(conn: Connection, token_hash: bytes, app_id: int) -> None:
    """Remove a token of this app; from the next request on it opens nothing."""
    await conn.execute("DELETE FROM oauth_tokens WHERE token_hash = $1 AND app_id = $2", token_hash, app_id)


_TOKEN = f"""
SELECT t.scopes AS token_scopes, t.created_at AS token_created_at, t.account_id,
       p.id AS app_id, p.client_id, p.client_secret, p.name, p.redirect_uris, p.scopes AS app_scopes,
       p.website,
       {AUTHOR_COLUMNS}
  FROM oauth_tokens t
  LEFT JOIN oauth_apps p ON p.id = t.app_id
  LEFT JOIN accounts c ON c.actor_id = t.account_id
  LEFT JOIN actors a ON a.id = t.account_id
 WHERE t.token_hash = $1
   AND (t.account_id IS NULL OR (a.deleted_at IS NULL AND a.suspended_at IS NULL))
"""  # noqa: S608 - a constant list of columns


async def token_by_hash(conn: Connection, token_hash: bytes) -> TokenRow | None:
    """Return a token with its app and its account; nothing where the account is suspended or gone."""
    row = await conn.fetchrow(_TOKEN, token_hash)
    if row is None:
        return None
    app = None
    if row["app_id"] is not None:
        app = AppRow(
            id=row["app_id"],
            client_id=row["client_id"],
            secret_hash=row["client_secret"],
            name=row["name"],
            redirect_uris=tuple(row["redirect_uris"]),
            scopes=tuple(row["app_scopes"]),
            website=row["website"],
        )
    return TokenRow(
        scopes=tuple(row["token_scopes"]),
        created_at=row["token_created_at"],
        app=app,
        author=None if row["account_id"] is None else author_of(row),
    )
