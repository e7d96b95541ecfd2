"""Pictures that people here uploaded: what is known of them, and their files."""

from collections.abc import Sequence

import asyncpg
from msgspec import Struct

from shared.database.pool import Connection

_COLUMNS = "id, account_id, status_id, token, media_type, width, height, blurhash, description, focus"


class MediaRow(Struct, frozen=True, kw_only=True):
    """What is known of a picture; sizes in pixels, `focus` from -1 to 1 in each direction."""

    id: int
    account_id: int
    token: str
    media_type: str
    width: int
    height: int
    blurhash: str
    status_id: int | None = None
    description: str = ""
    focus: tuple[float, float] | None = None


class MediaFile(Struct, frozen=True, kw_only=True):
    """One form of a picture: `variant` is original or preview."""

    variant: str
    media_type: str
    content: bytes


async def insert(conn: Connection, row: MediaRow, files: Sequence[MediaFile]) -> None:
    """Keep a picture that nothing shows yet."""
    await conn.execute(
        """
        INSERT INTO media (id, account_id, token, media_type, width, height, blurhash, description, focus)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        row.id,
        row.account_id,
        row.token,
        row.media_type,
        row.width,
        row.height,
        row.blurhash,
        row.description,
        row.focus,
    )
    await conn.executemany(
        "INSERT INTO media_files (media_id, variant, media_type, content) VALUES ($1, $2, $3, $4)",
        [(row.id, file.variant, file.media_type, file.content) for file in files],
    )


async def of_account(conn: Connection, account_id: int, ids: Sequence[int]) -> dict[int, MediaRow]:
    """Return those of these pictures that are the account's own, locked until the transaction ends."""
    rows = await conn.fetch(
        f"""
        SELECT {_COLUMNS} FROM media
         WHERE id = ANY($2::bigint[]) AND account_id = $1 ORDER BY id FOR UPDATE
        """,  # noqa: S608 - a constant
        account_id,
        list(ids),
    )
    return {row["id"]: _row(row) for row in rows}


async def loose_of(conn: Connection, account_id: int) -> int:
    """Return how many pictures of an account nothing shows."""
    return int(
        await conn.fetchval(
            "SELECT count(*) FROM media WHERE account_id = $1 AND loose_since IS NOT NULL", account_id
        )
    )


async def describe(
    conn: Connection, media_id: int, description: str, focus: tuple[float, float] | None
) -> None:
    """Give a picture another description and another point to keep in view."""
    await conn.execute(
        "UPDATE media SET description = $2, focus = $3 WHERE id = $1", media_id, description, focus
    )


async def attach(conn: Connection, ids: Sequence[int], status_id: int) -> None:
    """Hang pictures on a post."""
    await conn.execute(
        "UPDATE media SET status_id = $2, loose_since = NULL WHERE id = ANY($1::bigint[])",
        list(ids),
        status_id,
    )


async def on_post(conn: Connection, status_id: int) -> list[int]:
    """Return the pictures that a post shows now, in their order; earlier versions may have others."""
    rows = await conn.fetch(
        """
        SELECT (a.value->>'id')::bigint AS id
          FROM statuses s, jsonb_array_elements(s.attachments) WITH ORDINALITY AS a (value, place)
         WHERE s.id = $1 ORDER BY a.place
        """,
        status_id,
    )
    return [row["id"] for row in rows]


DETACH = "UPDATE media SET status_id = NULL, loose_since = now() WHERE status_id = ANY($1::bigint[])"
"""Takes the pictures off posts `$1` that are deleted: their author may write them anew with them."""

DELETE_ON = "DELETE FROM media WHERE status_id = ANY($1::bigint[])"
"""Forgets the pictures on posts `$1` and their files at once."""


async def show_at(conn: Connection, account_id: int, media_id: int | None, place: str) -> None:
    """Show a picture at a place of the account, in place of the one before, whose file goes at once."""
    await conn.execute(
        "DELETE FROM media WHERE account_id = $1 AND place = $2 AND id IS DISTINCT FROM $3",
        account_id,
        place,
        media_id,
    )
    await conn.execute("UPDATE media SET place = $2, loose_since = NULL WHERE id = $1", media_id, place)


async def file_of(conn: Connection, token: str, variant: str) -> MediaFile | None:
    """Return the file at an address."""
    row = await conn.fetchrow(
        """
        SELECT f.variant, f.media_type, f.content
          FROM media m JOIN media_files f ON f.media_id = m.id
         WHERE m.token = $1 AND f.variant = $2
        """,
        token,
        variant,
    )
    return None if row is None else MediaFile(**row)


async def delete_loose(conn: Connection, seconds: float, most: int) -> int:
    """Delete pictures that nothing has shown for so long; return how many."""
    return int(
        await conn.fetchval(
            """
            WITH gone AS (
                DELETE FROM media WHERE id IN (
                    SELECT id FROM media WHERE loose_since < now() - make_interval(secs => $1)
                     ORDER BY loose_since LIMIT $2 FOR UPDATE SKIP LOCKED)
                RETURNING 1)
            SELECT count(*) FROM gone
            """,
            seconds,
            most,
        )
    )


def _row(row: asyncpg.Record) -> MediaRow:
    focus = row["focus"]
    return MediaRow(**{**row, "focus": None if focus is None else (focus[0], focus[1])})
