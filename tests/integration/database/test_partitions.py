"""Partitions by day: made ahead, dropped when old."""

from datetime import UTC, date, datetime, timedelta

from shared.database import partitions, refusals
from shared.database.claims import Claim, claim
from shared.database.pool import Connection
from shared.database.refusals import Refusal

TODAY = date(2026, 9, 14)


async def _names(conn: Connection) -> list[str]:
    rows = await conn.fetch(
        """
        SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(claims|refusals|outbox_sent)_'
         ORDER BY relname
        """
    )
    return [row["relname"] for row in rows]


async def test_days_ahead_are_made_once(conn: Connection) -> None:
    """Today's partition and the next two exist, and asking again changes nothing."""
    made = await partitions.keep_up(conn, TODAY)
    assert made == [f"{table}_2026091{day}" for table in partitions.TABLES for day in (4, 5, 6)]
    assert await partitions.keep_up(conn, TODAY) == []


async def test_old_days_are_dropped(conn: Connection) -> None:
    """A partition goes once its day is more than the kept days ago, and not before."""
    await partitions.keep_up(conn, TODAY)
    await partitions.keep_up(conn, TODAY + timedelta(days=partitions.SENT_KEPT_DAYS))
    assert "outbox_sent_20260914" in await _names(conn)
    await partitions.keep_up(conn, TODAY + timedelta(days=partitions.SENT_KEPT_DAYS + 1))
    assert "outbox_sent_20260914" not in await _names(conn)
    await partitions.keep_up(conn, TODAY + timedelta(days=partitions.KEPT_DAYS))
    assert "claims_20260914" in await _names(conn)
    await partitions.keep_up(conn, TODAY + timedelta(days=partitions.KEPT_DAYS + 1))
    assert "claims_20260914" not in await _names(conn)
    assert "refusals_20260915" in await _names(conn)


async def test_rows_find_their_partition(conn: Connection) -> None:
    """Rows of today land in today's partition, and in the default one where there is none."""
    one, other = (
        Claim(
            hash=name,
            uri="",
            type="Like",
            actor_uri="",
            trace="",
            local=False,
            received_at=datetime.now(UTC),
        )
        for name in (b"1", b"2")
    )
    await partitions.keep_up(conn)
    await claim(conn, [one])
    assert await conn.fetchval("SELECT count(*) FROM claims_default") == 0
    today = datetime.now(UTC).date()
    await conn.execute(f"DROP TABLE claims_{today:%Y%m%d}")
    await claim(conn, [other])
    assert await conn.fetchval("SELECT count(*) FROM claims_default") == 1
    # The day has rows where its partition would be: it does without, and nothing is lost or raised.
    assert await partitions.keep_up(conn) == []
    assert await claim(conn, [other]) == set()


async def test_strays_are_dropped_when_old(conn: Connection) -> None:
    """Old rows in the default partition go too."""
    refusal = Refusal(activity_uri="u", actor_uri="", stage="", reason="", detail="", trace="")
    await refusals.record(conn, [refusal, refusal])
    await conn.execute("UPDATE refusals SET at = now() - interval '30 days' WHERE ctid = '(0,1)'")
    await partitions.drop_strays(conn)
    assert len(await refusals.of_activity(conn, "u")) == 1
