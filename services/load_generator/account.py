"""An account of its own for load tests, where the environment is that of the site under test."""

from msgspec import Struct

from shared.actions.accounts import create_account, create_token
from shared.actions.scopes import ALL
from shared.actions.site import Site
from shared.database import console_reads
from shared.database.pool import create_pool, unavailable_when_down
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from shared.runtime.settings import Settings

NAME = "loadtest"


class Prepared(Struct, frozen=True, kw_only=True):
    """Whom to write to, and a token to post with."""

    name: str
    token: str


async def prepare(settings: Settings) -> Prepared:
    """Return the account @loadtest with a new token; made where it is missing."""
    pool = await create_pool(settings.database_url, max_size=1, application_name="heddle-load")
    try:
        with unavailable_when_down():
            async with pool.acquire() as conn, conn.transaction():
                site = Site(
                    uris=LocalUris(settings.origin, settings.account_domain), ids=await id_generator(conn)
                )
                known = await console_reads.account_by_name(conn, NAME)
                account_id = (
                    int(known.id)
                    if known is not None
                    else await create_account(
                        conn,
                        site,
                        NAME,
                        secret_key=settings.secret_key,
                        display_name="Load test",
                        password="",
                        federated=True,
                    )
                )
                return Prepared(name=NAME, token=await create_token(conn, account_id, ALL))
    finally:
        await pool.close()
