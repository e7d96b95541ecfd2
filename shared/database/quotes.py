"""Which post quotes which, and whether the quoted author agrees (FEP-044f)."""

from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum

from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection
from shared.policy.quotes import TERMS, QuoteTerms
from shared.protocol.identifiers import IdGenerator, uri_hash
from shared.protocol.objects import Note, QuotePolicy


class QuoteState(IntEnum):
    """What the quoted author says."""

    PENDING = 0
    ACCEPTED = 1
    REJECTED = 2
    REVOKED = 3


class QuoteRow(Struct, frozen=True, kw_only=True):
    """A quote; `stamp_uri` is its QuoteAuthorization, `request_uri` our request for it, if there are any."""

    id: int
    quoting_uri: str
    actor_uri: str
    quoted_uri: str
    state: QuoteState
    stamp_uri: str = ""
    request_uri: str = ""


class QuotedHere(Struct, frozen=True, kw_only=True):
    """An accepted quote of a local post."""

    quoting_uri: str
    quoted_author: int


def _quote(row: Record) -> QuoteRow:
    return QuoteRow(
        id=row["id"],
        quoting_uri=row["quoting_uri"],
        actor_uri=row["actor_uri"],
        quoted_uri=row["quoted_uri"],
        state=QuoteState(row["state"]),
        stamp_uri=row["stamp_uri"],
        request_uri=row["request_uri"],
    )


async def store(conn: Connection, quotes: Sequence[QuoteRow]) -> list[str]:
    """Store quotes and return the quoting posts of those that are new or new in what they say.

    What is known of the same two posts stands, except that what was pending may be accepted.
    """
    unique = list({one.quoting_uri: one for one in quotes}.values())
    rows = await conn.fetch(
        """
        INSERT INTO quotes AS q (id, quoting_uri, quoting_hash, actor_uri, quoted_uri, quoted_hash, state,
                                 stamp_uri, request_uri)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::bytea[],
                             $7::smallint[], $8::text[], $9::text[])
            ON CONFLICT (quoting_hash) DO UPDATE
               SET quoted_uri = EXCLUDED.quoted_uri, quoted_hash = EXCLUDED.quoted_hash,
                   state = EXCLUDED.state, stamp_uri = EXCLUDED.stamp_uri,
                   request_uri = EXCLUDED.request_uri
             WHERE q.actor_uri = EXCLUDED.actor_uri
               AND (q.quoted_hash <> EXCLUDED.quoted_hash OR (q.state = 0 AND EXCLUDED.state = 1))
        RETURNING quoting_uri
        """,
        [one.id for one in unique],
        [one.quoting_uri for one in unique],
        [uri_hash(one.quoting_uri) for one in unique],
        [one.actor_uri for one in unique],
        [one.quoted_uri for one in unique],
        [uri_hash(one.quoted_uri) for one in unique],
        [one.state for one in unique],
        [one.stamp_uri for one in unique],
        [one.request_uri for one in unique],
    )
    return [row["quoting_uri"] for row in rows]


async def remember(conn: Connection, ids: IdGenerator, notes: Sequence[Note]) -> list[str]:
    """Note what stored posts of other servers quote; return those of which something new is known.

    One's own posts may always be quoted. A stamp of ours was written down when it was given. Others count
    where the quoted author's server bore them out.
    """
    asking = [note for note in notes if note.quote and note.quote_consent]
    if not asking:
        return []
    rows = await conn.fetch(
        """
        SELECT s.uri, a.uri AS author FROM statuses s JOIN actors a ON a.id = s.actor_id
         WHERE s.uri_hash = ANY($1::bytea[])
        """,
        [uri_hash(note.quote or "") for note in asking],
    )
    authors = {row["uri"]: row["author"] for row in rows}
    return await store(
        conn,
        [
            QuoteRow(
                id=ids.next(),
                quoting_uri=note.id,
                actor_uri=note.attributed_to,
                quoted_uri=note.quote or "",
                state=QuoteState.ACCEPTED
                if note.quote_confirmed or authors.get(note.quote or "") == note.attributed_to
                else QuoteState.PENDING,
                stamp_uri=note.quote_authorization if note.quote_confirmed else "",
            )
            for note in asking
        ],
    )


async def by_quoting(conn: Connection, uris: Collection[str]) -> dict[str, QuoteRow]:
    """Return what is known of the quotes in these posts."""
    rows = await conn.fetch(
        "SELECT * FROM quotes WHERE quoting_hash = ANY($1::bytea[])", [uri_hash(uri) for uri in uris]
    )
    return {row["quoting_uri"]: _quote(row) for row in rows}


async def by_id(conn: Connection, quote_id: int) -> QuoteRow | None:
    """Return a quote by its number."""
    row = await conn.fetchrow("SELECT * FROM quotes WHERE id = $1", quote_id)
    return None if row is None else _quote(row)


async def by_request(conn: Connection, uris: Collection[str]) -> dict[str, QuoteRow]:
    """Return the quotes that these requests of ours are about."""
    rows = await conn.fetch(
        """
        SELECT q.* FROM unnest($1::text[]) AS n (uri)
          JOIN quotes q ON md5(q.request_uri) = md5(n.uri) AND q.request_uri <> '' AND q.request_uri = n.uri
        """,
        list(uris),
    )
    return {row["request_uri"]: _quote(row) for row in rows}


async def settle(conn: Connection, quote_id: int, state: QuoteState, stamp_uri: str = "") -> bool:
    """Note the answer to a quote that waits for one; tell whether it did."""
    done = await conn.execute(
        "UPDATE quotes SET state = $2, stamp_uri = $3 WHERE id = $1 AND state = 0", quote_id, state, stamp_uri
    )
    return done == "UPDATE 1"


async def revoke(conn: Connection, quote_ids: Collection[int]) -> None:
    """Note that quotes are not agreed to any more."""
    await conn.execute("UPDATE quotes SET state = 3 WHERE id = ANY($1::bigint[])", list(quote_ids))


async def by_stamps(conn: Connection, stamps: Sequence[tuple[str, str]]) -> dict[tuple[str, str], QuoteRow]:
    """Return accepted quotes by (stamp, actor), where the actor wrote the quoted post as far as is known."""
    rows = await conn.fetch(
        """
        SELECT q.*, n.actor AS revoked_by FROM unnest($1::text[], $2::text[]) AS n (stamp, actor)
          JOIN quotes q ON md5(q.stamp_uri) = md5(n.stamp) AND q.stamp_uri <> '' AND q.stamp_uri = n.stamp
          LEFT JOIN statuses s ON s.uri_hash = q.quoted_hash
          LEFT JOIN actors a ON a.id = s.actor_id
         WHERE q.state = 1 AND (a.uri IS NULL OR a.uri = n.actor)
        """,
        [stamp for stamp, _ in stamps],
        [actor for _, actor in stamps],
    )
    return {(row["stamp_uri"], row["revoked_by"]): _quote(row) for row in rows}


async def accepted_of_local(conn: Connection, quoting_uris: Collection[str]) -> list[QuotedHere]:
    """Return which of these posts quote, with consent, a post of somebody here."""
    rows = await conn.fetch(
        """
        SELECT q.quoting_uri, s.actor_id
          FROM quotes q JOIN statuses s ON s.uri_hash = q.quoted_hash
         WHERE q.quoting_hash = ANY($1::bytea[]) AND q.state = 1 AND s.local AND s.deleted_at IS NULL
        """,
        [uri_hash(uri) for uri in quoting_uris],
    )
    return [QuotedHere(quoting_uri=row["quoting_uri"], quoted_author=row["actor_id"]) for row in rows]


async def policies(conn: Connection, status_ids: Collection[int]) -> dict[int, QuotePolicy]:
    """Return who may quote these posts unasked."""
    rows = await conn.fetch(
        "SELECT id, quote_policy FROM statuses WHERE id = ANY($1::bigint[])", list(status_ids)
    )
    return {row["id"]: QuotePolicy(row["quote_policy"]) for row in rows}


async def terms(conn: Connection, status_id: int) -> QuoteTerms | None:
    """Return who may quote a post, of here or elsewhere; None where its author elsewhere does not say."""
    row = await conn.fetchrow(
        "SELECT local, quote_policy, quote_terms FROM statuses WHERE id = $1", status_id
    )
    return None if row is None else terms_in(row)


def terms_in(row: Record) -> QuoteTerms | None:
    """Return the terms in a row of `statuses`."""
    if row["local"]:
        return TERMS[QuotePolicy(row["quote_policy"])]
    return QuoteTerms.unpacked(row["quote_terms"])


async def set_terms(conn: Connection, said: Mapping[str, int]) -> list[str]:
    """Note who may quote posts of other servers (packed), by URI; return the posts of which it is new."""
    rows = await conn.fetch(
        """
        UPDATE statuses s SET quote_terms = n.terms
          FROM unnest($1::bytea[], $2::smallint[]) AS n (hash, terms)
         WHERE s.uri_hash = n.hash AND NOT s.local AND s.deleted_at IS NULL
           AND s.quote_terms IS DISTINCT FROM n.terms
        RETURNING s.uri
        """,
        [uri_hash(uri) for uri in said],
        list(said.values()),
    )
    return [row["uri"] for row in rows]


async def set_policy(conn: Connection, status_id: int, policy: QuotePolicy) -> None:
    """Say who may quote a post unasked, from now on."""
    await conn.execute("UPDATE statuses SET quote_policy = $2 WHERE id = $1", status_id, policy)
