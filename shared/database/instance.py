"""The instance actor: it signs what no account asks for, and anybody may fetch it unsigned."""

from shared.database.accounts import Identity, NewAccount, insert_actor, insert_secrets
from shared.database.pool import Connection
from shared.protocol.identifiers import IdGenerator, uri_hash
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import ActorKind

USERNAME = "instance.actor"
"""Cannot be taken by an account: those have no dots."""

_LOCK = 0x48_44_4C_41


async def ensure_instance_actor(
    conn: Connection, *, uris: LocalUris, ids: IdGenerator, secret_key: str
) -> int:
    """Return the instance actor's id; make it, with its keys, if this is the first start."""
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        known = await instance_actor_id(conn, uris)
        if known is not None:
            return known
        who = _identity(ids.next(), uris)
        account = NewAccount(username=USERNAME, display_name=uris.account_domain, federated=True)
        await insert_actor(conn, who, account, ActorKind.APPLICATION)
        await insert_secrets(conn, who, account, secret_key)
        return who.id


async def instance_actor_id(conn: Connection, uris: LocalUris) -> int | None:
    """Return the instance actor's id, once it exists."""
    known: int | None = await conn.fetchval(
        "SELECT id FROM actors WHERE uri_hash = $1", uri_hash(uris.instance_actor)
    )
    return known


def _identity(actor_id: int, uris: LocalUris) -> Identity:
    actor = uris.instance_actor
    return Identity(
        id=actor_id,
        uri=actor,
        domain=uris.account_domain,
        url=actor,
        inbox=f"{actor}/inbox",
        shared_inbox=uris.shared_inbox,
        outbox=f"{actor}/outbox",
        followers="",
        following="",
        featured="",
        rsa_key=f"{actor}#main-key",
        ed25519_key=f"{actor}#ed25519-key",
    )
