"""What an account says of itself, as written and as shown."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.objects import ActorKind, Field, QuotePolicy, Visibility


class Profile(Struct, frozen=True, kw_only=True):
    """The shown side of an account; texts are HTML where they are shown as such."""

    display_name: str
    summary: str
    fields: Sequence[Field]
    kind: ActorKind
    locked: bool
    discoverable: bool
    indexable: bool
    hide_collections: bool


class Sources(Struct, frozen=True, kw_only=True):
    """The account's texts as written, and its defaults for new posts."""

    note_source: str
    field_sources: Sequence[Field]
    default_visibility: Visibility
    default_sensitive: bool
    default_language: str | None
    default_quote_policy: QuotePolicy


async def write_profile(conn: Connection, actor_id: int, profile: Profile) -> None:
    """Show this from now on."""
    await conn.execute(
        """
        UPDATE actors SET display_name = $2, summary = $3, fields = $4, kind = $5, locked = $6,
                          discoverable = $7, indexable = $8, hide_collections = $9, updated_at = now()
         WHERE id = $1 AND local
        """,
        actor_id,
        profile.display_name,
        profile.summary,
        profile.fields,
        profile.kind,
        profile.locked,
        profile.discoverable,
        profile.indexable,
        profile.hide_collections,
    )


async def write_picture(conn: Connection, actor_id: int, place: str, address: str) -> None:
    """Show the picture at this address as the avatar or the header."""
    column = {"avatar": "icon", "header": "image"}[place]
    await conn.execute(f"UPDATE actors SET {column} = $2 WHERE id = $1 AND local", actor_id, address)  # noqa: S608 - one of two


async def write_sources(conn: Connection, actor_id: int, sources: Sources) -> None:
    """Keep what the person wrote and chose."""
    await conn.execute(
        """
        UPDATE accounts SET note_source = $2, field_sources = $3, default_visibility = $4,
                            default_sensitive = $5, default_language = $6, default_quote_policy = $7
         WHERE actor_id = $1
        """,
        actor_id,
        sources.note_source,
        sources.field_sources,
        sources.default_visibility,
        sources.default_sensitive,
        sources.default_language,
        sources.default_quote_policy,
    )


class Written(Struct, frozen=True, kw_only=True):
    """An account as it stands, to be changed in part."""

    display_name: str
    note_source: str
    field_sources: tuple[Field, ...]
    kind: ActorKind
    locked: bool
    discoverable: bool
    indexable: bool
    hide_collections: bool
    default_visibility: Visibility
    default_sensitive: bool
    default_language: str | None
    default_quote_policy: QuotePolicy


async def written(conn: Connection, actor_id: int) -> Written | None:
    """Return what an account says of itself, locked until the transaction ends."""
    row = await conn.fetchrow(
        """
        SELECT a.display_name, c.note_source, c.field_sources, a.kind, a.locked, a.discoverable, a.indexable,
               a.hide_collections, c.default_visibility, c.default_sensitive, c.default_language,
               c.default_quote_policy
          FROM actors a JOIN accounts c ON c.actor_id = a.id
         WHERE a.id = $1
           FOR NO KEY UPDATE OF a
        """,
        actor_id,
    )
    if row is None:
        return None
    values = dict(row)
    values["kind"] = ActorKind(row["kind"])
    values["default_visibility"] = Visibility(row["default_visibility"])
    values["default_quote_policy"] = QuotePolicy(row["default_quote_policy"])
    values["field_sources"] = msgspec.convert(row["field_sources"], tuple[Field, ...])
    return Written(**values)
