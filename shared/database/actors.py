"""Actors, local and remote: who they are and where they are reached."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record
from msgspec import Struct

from shared.database import hosts, keys
from shared.database.pool import Connection, json_text
from shared.protocol.identifiers import IdGenerator, host_of, uri_hash
from shared.protocol.objects import ActorKind, ActorProfile


class ActorRow(Struct, frozen=True, kw_only=True):
    """What the pipeline needs to know of an actor; `domain` is the part after @, for local ones too."""

    id: int
    uri: str
    local: bool
    kind: ActorKind
    username: str
    domain: str
    inbox: str
    shared_inbox: str
    followers_uri: str
    locked: bool
    moved_to: str | None
    fetched_at: datetime | None
    suspended_at: datetime | None
    deleted_at: datetime | None

    @property
    def gone(self) -> bool:
        """Whether nothing may be done by this actor or for it any more."""
        return self.deleted_at is not None or self.suspended_at is not None


class RemoteActor(Struct, frozen=True, kw_only=True):
    """A profile from its own server, and the domain that WebFinger gave for its handle."""

    profile: ActorProfile
    domain: str


_COLUMNS = """
       id, uri, local, kind, username, domain, inbox, shared_inbox, followers_uri, locked, moved_to,
       fetched_at, suspended_at, deleted_at
"""


def actor_of(row: Record) -> ActorRow:
    """Return the actor in a row that has the columns of `ActorRow`."""
    return ActorRow(
        id=row["id"],
        uri=row["uri"],
        local=row["local"],
        kind=ActorKind(row["kind"]),
        username=row["username"],
        domain=row["domain"],
        inbox=row["inbox"],
        shared_inbox=row["shared_inbox"],
        followers_uri=row["followers_uri"],
        locked=row["locked"],
        moved_to=row["moved_to"],
        fetched_at=row["fetched_at"],
        suspended_at=row["suspended_at"],
        deleted_at=row["deleted_at"],
    )


async def by_uris(conn: Connection, uris: Sequence[str]) -> dict[str, ActorRow]:
    """Return those of these actors that are known, by URI; the gone ones too."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM actors WHERE uri_hash = ANY($1::bytea[])",  # noqa: S608 - constant columns
        [uri_hash(uri) for uri in uris],
    )
    return {row["uri"]: actor_of(row) for row in rows}


async def by_uri(conn: Connection, uri: str) -> ActorRow | None:
    """Return the actor with this URI."""
    return (await by_uris(conn, [uri])).get(uri)


async def by_ids(conn: Connection, actor_ids: Sequence[int]) -> dict[int, ActorRow]:
    """Return those of these actors that exist, by id."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM actors WHERE id = ANY($1::bigint[])",  # noqa: S608 - constant columns
        list(actor_ids),
    )
    return {row["id"]: actor_of(row) for row in rows}


async def by_acct(conn: Connection, username: str, domain: str) -> ActorRow | None:
    """Return the actor with this handle; neither part is sensitive to case."""
    row = await conn.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM actors
         WHERE lower(username) = lower($1) AND domain = lower($2) AND deleted_at IS NULL
        """,  # noqa: S608 - constant columns
        username,
        domain,
    )
    return None if row is None else actor_of(row)


async def upsert_remote(conn: Connection, actors: Sequence[RemoteActor], ids: IdGenerator) -> dict[str, int]:
    """Store what remote servers say of their actors, keys included, and return the ids by URI.

    The keys listed now replace those of before. A URI that is local is never overwritten. Call it inside
    a transaction.
    """
    unique = {actor.profile.id: actor for actor in actors}
    handles = {(actor.profile.username.lower(), actor.domain.lower()): uri for uri, actor in unique.items()}
    wanted = [unique[uri] for uri in sorted(handles.values())]
    await _release_handles(conn, wanted)
    stored = await _upsert(conn, wanted, ids)
    listed = [
        keys.NewKey(key=key, actor_id=stored[actor.profile.id])
        for actor in wanted
        if actor.profile.id in stored
        for key in actor.profile.keys
    ]
    await keys.replace(conn, list(stored.values()), listed)
    able = {host_of(actor.profile.id) for actor in wanted if actor.profile.takes_ed25519}
    await hosts.note_ed25519(conn, able)
    return stored


async def _release_handles(conn: Connection, actors: Sequence[RemoteActor]) -> None:
    # A handle names one actor: the one that WebFinger leads to today. Its former owner is gone.
    await conn.execute(
        """
        UPDATE actors SET deleted_at = now()
          FROM unnest($1::text[], $2::text[], $3::bytea[]) AS n (username, domain, uri_hash)
         WHERE lower(actors.username) = n.username AND actors.domain = n.domain
           AND actors.uri_hash <> n.uri_hash AND actors.deleted_at IS NULL AND NOT actors.local
        """,
        [actor.profile.username.lower() for actor in actors],
        [actor.domain.lower() for actor in actors],
        [uri_hash(actor.profile.id) for actor in actors],
    )


_UPSERT = """
INSERT INTO actors AS a
       (id, uri, uri_hash, local, kind, username, domain, display_name, summary, url, inbox, shared_inbox,
        outbox, followers_uri, following_uri, featured_uri, icon, image, fields, emojis, also_known_as,
        moved_to, locked, discoverable, indexable, created_at, suspended_at, fetched_at)
SELECT n.id, n.uri, n.uri_hash, false, n.kind, n.username, n.domain, n.display_name, n.summary, n.url,
       n.inbox, n.shared_inbox, n.outbox, n.followers_uri, n.following_uri, n.featured_uri, n.icon, n.image,
       n.fields::jsonb, n.emojis::jsonb, ARRAY(SELECT jsonb_array_elements_text(n.also_known_as::jsonb)),
       n.moved_to, n.locked, n.discoverable, n.indexable, coalesce(n.published, now()),
       CASE WHEN n.suspended THEN now() END, now()
  FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::smallint[], $5::text[], $6::text[], $7::text[],
              $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
              $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[],
              $22::boolean[], $23::boolean[], $24::boolean[], $25::timestamptz[], $26::boolean[])
       AS n (id, uri, uri_hash, kind, username, domain, display_name, summary, url, inbox, shared_inbox,
             outbox, followers_uri, following_uri, featured_uri, icon, image, fields, emojis, also_known_as,
             moved_to, locked, discoverable, indexable, published, suspended)
    ON CONFLICT (uri_hash) DO UPDATE SET
       kind = excluded.kind, username = excluded.username, domain = excluded.domain,
       display_name = excluded.display_name, summary = excluded.summary, url = excluded.url,
       inbox = excluded.inbox, shared_inbox = excluded.shared_inbox, outbox = excluded.outbox,
       followers_uri = excluded.followers_uri, following_uri = excluded.following_uri,
       featured_uri = excluded.featured_uri, icon = excluded.icon, image = excluded.image,
       fields = excluded.fields, emojis = excluded.emojis, also_known_as = excluded.also_known_as,
       moved_to = excluded.moved_to, locked = excluded.locked, discoverable = excluded.discoverable,
       indexable = excluded.indexable, updated_at = now(), fetched_at = now(), deleted_at = NULL
 WHERE NOT a.local
RETURNING a.id, a.uri
"""


async def _upsert(conn: Connection, actors: Sequence[RemoteActor], ids: IdGenerator) -> dict[str, int]:
    profiles = [actor.profile for actor in actors]
    rows = await conn.fetch(
        _UPSERT,
        [ids.next() for _ in profiles],
        [p.id for p in profiles],
        [uri_hash(p.id) for p in profiles],
        [p.kind for p in profiles],
        [p.username for p in profiles],
        [actor.domain.lower() for actor in actors],
        [p.name for p in profiles],
        [p.summary for p in profiles],
        [p.url for p in profiles],
        [p.inbox for p in profiles],
        [p.shared_inbox for p in profiles],
        [p.outbox for p in profiles],
        [p.followers for p in profiles],
        [p.following for p in profiles],
        [p.featured for p in profiles],
        [p.icon for p in profiles],
        [p.image for p in profiles],
        [json_text(p.fields) for p in profiles],
        [json_text(p.emojis) for p in profiles],
        [json_text(p.also_known_as) for p in profiles],
        [p.moved_to for p in profiles],
        [p.locked for p in profiles],
        [p.discoverable for p in profiles],
        [p.indexable for p in profiles],
        [p.published for p in profiles],
        [p.suspended for p in profiles],
    )
    return {row["uri"]: row["id"] for row in rows}
