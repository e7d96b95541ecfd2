"""Local actors as other servers read them."""

import msgspec
from asyncpg import Record
from msgspec import Struct

from shared.database import keys
from shared.database.paging import Page
from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash
from shared.protocol.objects import ActorKind, ActorProfile, Emoji, Field

_fields = msgspec.json.Decoder(tuple[Field, ...])
_emojis = msgspec.json.Decoder(tuple[Emoji, ...])


class DocumentActor(Struct, frozen=True, kw_only=True):
    """A local actor: other servers see it only while it is `federated`; `gone` is suspended or deleted."""

    id: int
    profile: ActorProfile
    federated: bool
    gone: bool
    followers_count: int
    following_count: int
    hides_collections: bool


class DocumentName(Struct, frozen=True, kw_only=True):
    """What WebFinger needs to know of a local actor."""

    id: int
    uri: str
    username: str
    federated: bool
    gone: bool


_ACTOR = """
SELECT a.id, a.uri, a.kind, a.username, a.domain, a.display_name, a.summary, a.url, a.inbox, a.shared_inbox,
       a.outbox, a.followers_uri, a.following_uri, a.featured_uri, a.icon, a.image, a.fields::text AS fields,
       a.emojis::text AS emojis, a.also_known_as, a.moved_to, a.locked, a.discoverable, a.indexable,
       a.followers_count, a.following_count, a.created_at, c.federated, a.hide_collections,
       a.deleted_at IS NOT NULL OR a.suspended_at IS NOT NULL AS gone
  FROM actors a
  JOIN accounts c ON c.actor_id = a.id
 WHERE a.local
"""


def _profile(row: Record) -> ActorProfile:
    return ActorProfile(
        id=row["uri"],
        kind=ActorKind(row["kind"]),
        username=row["username"],
        acct_domain=row["domain"],
        inbox=row["inbox"],
        shared_inbox=row["shared_inbox"],
        outbox=row["outbox"],
        followers=row["followers_uri"],
        following=row["following_uri"],
        featured=row["featured_uri"],
        name=row["display_name"],
        summary=row["summary"],
        url=row["url"],
        icon=row["icon"],
        image=row["image"],
        fields=_fields.decode(row["fields"]),
        emojis=_emojis.decode(row["emojis"]),
        also_known_as=tuple(row["also_known_as"]),
        moved_to=row["moved_to"],
        locked=row["locked"],
        discoverable=row["discoverable"],
        indexable=row["indexable"],
        published=row["created_at"],
    )


async def actor_by_id(conn: Connection, actor_id: int) -> DocumentActor | None:
    """Return a local actor with its keys, RSA first."""
    return await _with_keys(conn, await conn.fetchrow(f"{_ACTOR} AND a.id = $1", actor_id))


async def actor_by_uri(conn: Connection, uri: str) -> DocumentActor | None:
    """Return a local actor by its URI, which is how the instance actor is found."""
    return await _with_keys(conn, await conn.fetchrow(f"{_ACTOR} AND a.uri_hash = $1", uri_hash(uri)))


async def _with_keys(conn: Connection, row: Record | None) -> DocumentActor | None:
    if row is None:
        return None
    public_keys = await keys.of_actor(conn, row["id"])
    return DocumentActor(
        id=row["id"],
        profile=msgspec.structs.replace(_profile(row), keys=tuple(public_keys)),
        federated=row["federated"],
        gone=row["gone"],
        followers_count=row["followers_count"],
        following_count=row["following_count"],
        hides_collections=row["hide_collections"],
    )


_NAMES = """
SELECT a.id, a.uri, a.username, c.federated,
       a.deleted_at IS NOT NULL OR a.suspended_at IS NOT NULL AS gone
  FROM actors a
  JOIN accounts c ON c.actor_id = a.id
 WHERE a.local
"""


async def name_by_username(conn: Connection, username: str) -> DocumentName | None:
    """Return the local actor of this name; where it is gone, the last one who had it."""
    row = await conn.fetchrow(
        f"{_NAMES} AND lower(a.username) = lower($1) ORDER BY a.deleted_at DESC NULLS FIRST LIMIT 1",
        username,
    )
    return None if row is None else DocumentName(**dict(row))


async def name_by_id(conn: Connection, actor_id: int) -> DocumentName | None:
    """Return the local actor with this id."""
    row = await conn.fetchrow(f"{_NAMES} AND a.id = $1", actor_id)
    return None if row is None else DocumentName(**dict(row))


async def name_by_uri(conn: Connection, uri: str) -> DocumentName | None:
    """Return the local actor with this URI."""
    row = await conn.fetchrow(f"{_NAMES} AND a.uri_hash = $1", uri_hash(uri))
    return None if row is None else DocumentName(**dict(row))


class Linked(Struct, frozen=True):
    """An entry of a list of followers or followed: its place in the list, and who it is."""

    cursor: int
    uri: str


async def followers(conn: Connection, actor_id: int, page: Page) -> list[Linked]:
    """Return who follows a local actor, the newest first."""
    rows = await conn.fetch(
        page.query(
            """
            SELECT f.id AS cursor, a.uri FROM follows f JOIN actors a ON a.id = f.follower_id
             WHERE f.followee_id = $1 AND f.state = 1 AND f.id < $2 AND f.id > $3
               AND a.deleted_at IS NULL AND a.suspended_at IS NULL
             ORDER BY f.id :order LIMIT $4
            """
        ),
        actor_id,
        page.below,
        page.above,
        page.limit,
    )
    return page.newest_first([Linked(row["cursor"], row["uri"]) for row in rows])


async def following(conn: Connection, actor_id: int, page: Page) -> list[Linked]:
    """Return whom a local actor follows, the newest first."""
    rows = await conn.fetch(
        page.query(
            """
            SELECT f.id AS cursor, a.uri FROM follows f JOIN actors a ON a.id = f.followee_id
             WHERE f.follower_id = $1 AND f.state = 1 AND f.id < $2 AND f.id > $3
               AND a.deleted_at IS NULL AND a.suspended_at IS NULL
             ORDER BY f.id :order LIMIT $4
            """
        ),
        actor_id,
        page.below,
        page.above,
        page.limit,
    )
    return page.newest_first([Linked(row["cursor"], row["uri"]) for row in rows])
