"""The instance actor as the signer of every fetch."""

from shared.database.accounts import open_keys, sealed_keys
from shared.database.instance import instance_actor_id
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.errors import Unavailable
from shared.protocol.local_uris import LocalUris
from shared.signatures.sign import Signer


class NotMigrated(Unavailable):
    """The database has no instance actor: `heddle migrate` has not run."""

    reason = "not_migrated"


async def instance_signer(pool: Pool, uris: LocalUris, secret_key: str) -> Signer:
    """Return the signer; raises NotMigrated, or SealBroken where the secret key is another one."""
    with unavailable_when_down():
        async with pool.acquire() as conn:
            actor_id = await instance_actor_id(conn, uris)
            sealed = await sealed_keys(conn, [actor_id]) if actor_id is not None else {}
    if actor_id is None or actor_id not in sealed:
        raise NotMigrated(uris.instance_actor)
    opened = open_keys(secret_key, sealed[actor_id])
    return Signer(key_id=opened.rsa_id, private_key=opened.rsa)
