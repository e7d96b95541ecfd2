"""`heddle report`."""

from shared.database.accounts import NewAccount, create_local
from shared.database.pool import create_pool
from shared.database.reports import NewReport, insert
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from tests.integration.console.command_line import ORIGIN, SECRET, Heddle


async def test_reports_are_listed_shown_and_resolved(heddle: Heddle, own_database_url: str) -> None:
    """An open report is listed and shown; once resolved it stands in the list of all only."""
    pool = await create_pool(own_database_url, max_size=1, application_name="test")
    async with pool.acquire() as conn, conn.transaction():
        ids, uris = await id_generator(conn), LocalUris(ORIGIN)
        ada, grace = [
            await create_local(conn, NewAccount(username=name), uris=uris, ids=ids, secret_key=SECRET)
            for name in ("ada", "grace")
        ]
        made = NewReport(
            id=ids.next(),
            uri=f"{ORIGIN}/activities/1",
            local=True,
            actor_id=ada,
            target_id=grace,
            status_uris=(f"{ORIGIN}/objects/7",),
            comment="rude",
        )
        await insert(conn, [made])
    await pool.close()
    (listed,) = (await heddle("report", "list", "--json")).records()
    shown = (await heddle("report", "show", str(made.id), "--json")).record()
    assert listed == shown
    assert (shown["reporter"], shown["target"]) == ("ada@loom.localhost:8080", "grace@loom.localhost:8080")
    assert (shown["comment"], shown["status_uris"]) == ("rude", [f"{ORIGIN}/objects/7"])
    await heddle("report", "resolve", str(made.id))
    assert (await heddle("report", "list", "--json")).records() == []
    (closed,) = (await heddle("report", "list", "--all", "--json")).records()
    assert closed["resolved_at"] is not None
    await heddle("report", "show", "1", code=1)
    await heddle("report", "resolve", "1", code=1)
