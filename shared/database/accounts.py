"""Local accounts: their making, their credentials and their sealed private keys."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database import keys
from shared.database.pool import Connection
from shared.protocol.identifiers import IdGenerator, uri_hash
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import ActorKind, PublicKey
from shared.signatures.keys import ED25519, RSA, KeyPair, generate_ed25519, generate_rsa
from shared.signatures.sealing import open_sealed, seal


class NewAccount(Struct, frozen=True, kw_only=True):
    """What a person chose; `password_hash` is empty where only tokens sign in."""

    username: str
    display_name: str = ""
    password_hash: str = ""
    federated: bool = False
    locked: bool = False


class Identity(Struct, frozen=True, kw_only=True):
    """The URIs of a local actor."""

    id: int
    uri: str
    domain: str
    url: str
    inbox: str
    shared_inbox: str
    outbox: str
    followers: str
    following: str
    featured: str
    rsa_key: str
    ed25519_key: str


class SealedKeys(Struct, frozen=True, kw_only=True):
    """The private keys of a local actor, each sealed under its own key id."""

    actor_id: int
    actor_uri: str
    rsa_id: str
    rsa: bytes
    ed25519_id: str
    ed25519: bytes


class OpenedKeys(Struct, frozen=True, kw_only=True):
    """The private keys of a local actor as PKCS#8 DER: never logged, stored or put into a message."""

    actor_id: int
    actor_uri: str
    rsa_id: str
    rsa: bytes
    ed25519_id: str
    ed25519: bytes


def open_keys(secret_key: str, sealed: SealedKeys) -> OpenedKeys:
    """Decrypt an actor's private keys; raises SealBroken."""
    return OpenedKeys(
        actor_id=sealed.actor_id,
        actor_uri=sealed.actor_uri,
        rsa_id=sealed.rsa_id,
        rsa=open_sealed(secret_key, sealed.rsa, sealed.rsa_id),
        ed25519_id=sealed.ed25519_id,
        ed25519=open_sealed(secret_key, sealed.ed25519, sealed.ed25519_id),
    )


async def create_local(
    conn: Connection, account: NewAccount, *, uris: LocalUris, ids: IdGenerator, secret_key: str
) -> int:
    """Make an account with fresh keys and return its id; call it inside a transaction.

    Raises:
        asyncpg.UniqueViolationError: The name is taken.
    """
    actor_id = ids.next()
    who = Identity(
        id=actor_id,
        uri=uris.actor(actor_id),
        domain=uris.account_domain,
        url=uris.profile_page(account.username),
        inbox=uris.inbox(actor_id),
        shared_inbox=uris.shared_inbox,
        outbox=uris.outbox(actor_id),
        followers=uris.followers(actor_id),
        following=uris.following(actor_id),
        featured=uris.featured(actor_id),
        rsa_key=uris.main_key(actor_id),
        ed25519_key=uris.ed25519_key(actor_id),
    )
    await insert_actor(conn, who, account, ActorKind.PERSON)
    await insert_secrets(conn, who, account, secret_key)
    return actor_id


async def insert_actor(conn: Connection, who: Identity, account: NewAccount, kind: ActorKind) -> None:
    """Store the public side of a local actor."""
    await conn.execute(
        """
        INSERT INTO actors (id, uri, uri_hash, local, kind, username, domain, display_name, url, inbox,
                            shared_inbox, outbox, followers_uri, following_uri, featured_uri, locked,
                            discoverable, indexable)
        VALUES ($1, $2, $3, true, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, true, true)
        """,
        who.id,
        who.uri,
        uri_hash(who.uri),
        kind,
        account.username,
        who.domain,
        account.display_name or account.username,
        who.url,
        who.inbox,
        who.shared_inbox,
        who.outbox,
        who.followers,
        who.following,
        who.featured,
        account.locked,
    )


async def insert_secrets(conn: Connection, who: Identity, account: NewAccount, secret_key: str) -> None:
    """Make and store an actor's keys and credentials."""
    rsa, ed25519 = generate_rsa(), generate_ed25519()
    await conn.execute(
        """
        INSERT INTO accounts (actor_id, password_hash, federated, rsa_private_key, ed25519_private_key)
        VALUES ($1, $2, $3, $4, $5)
        """,
        who.id,
        account.password_hash,
        account.federated,
        seal(secret_key, rsa.private, who.rsa_key),
        seal(secret_key, ed25519.private, who.ed25519_key),
    )
    public = [_public(who, who.rsa_key, rsa), _public(who, who.ed25519_key, ed25519)]
    await keys.store(conn, [keys.NewKey(key=key, actor_id=who.id) for key in public])


def _public(who: Identity, key_id: str, pair: KeyPair) -> PublicKey:
    return PublicKey(id=key_id, owner=who.uri, algorithm=pair.algorithm, der=pair.public)


async def sealed_keys(conn: Connection, actor_ids: Sequence[int]) -> dict[int, SealedKeys]:
    """Return the private keys of these local actors, still sealed."""
    rows = await conn.fetch(
        """
        SELECT c.actor_id, a.uri, r.uri AS rsa_id, c.rsa_private_key, e.uri AS ed25519_id,
               c.ed25519_private_key
          FROM accounts c
          JOIN actors a ON a.id = c.actor_id
          JOIN public_keys r ON r.actor_id = c.actor_id AND r.algorithm = $2
          JOIN public_keys e ON e.actor_id = c.actor_id AND e.algorithm = $3
         WHERE c.actor_id = ANY($1::bigint[])
        """,
        list(actor_ids),
        RSA,
        ED25519,
    )
    return {
        row["actor_id"]: SealedKeys(
            actor_id=row["actor_id"],
            actor_uri=row["uri"],
            rsa_id=row["rsa_id"],
            rsa=row["rsa_private_key"],
            ed25519_id=row["ed25519_id"],
            ed25519=row["ed25519_private_key"],
        )
        for row in rows
    }


async def password_hash(conn: Connection, username: str) -> str | None:
    """Return the password's hash of a local account in good standing."""
    stored: str | None = await conn.fetchval(
        """
        SELECT c.password_hash FROM accounts c JOIN actors a ON a.id = c.actor_id
         WHERE a.local AND lower(a.username) = lower($1)
           AND a.deleted_at IS NULL AND a.suspended_at IS NULL
        """,
        username,
    )
    return stored
