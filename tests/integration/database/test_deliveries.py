"""How outcomes of deliveries are recorded."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from shared.database import deliveries, delivery_plans
from shared.database.deliveries import Progress, State
from shared.database.delivery_plans import Planned, SentActivity
from shared.database.pool import Connection

URI = "https://loom.example/activities/1"
NOW = datetime.now(UTC)
INBOXES = [f"https://s{number}.example/inbox" for number in range(40)]


async def _planned(conn: Connection) -> None:
    sent = SentActivity(uri=URI, type="Create", actor_id=1, subject=URI, body=b"{}", trace="", created_at=NOW)
    await delivery_plans.insert_activities(conn, [sent])
    rows = [
        Planned(activity_uri=URI, inbox=inbox, host=inbox[8:-6], shared=True, created_at=NOW)
        for inbox in INBOXES
    ]
    await delivery_plans.insert_planned(conn, rows)


def _progress(inboxes: Iterable[str], state: State, **parts: object) -> list[Progress]:
    one = Progress(activity_uri=URI, inbox="", state=state)
    return [replace(one, inbox=inbox, **parts) for inbox in inboxes]


async def _rows(conn: Connection) -> dict[str, tuple[object, ...]]:
    rows = await conn.fetch("SELECT inbox, state, attempts, status, reason, next_try_at FROM deliveries")
    return {row["inbox"]: tuple(row)[1:] for row in rows}


async def test_every_outcome_is_recorded_as_it_was(conn: Connection) -> None:
    """Many of one kind and a few of others, all in one go, end as each of them was."""
    await _planned(conn)
    later = NOW + timedelta(hours=1)
    await deliveries.record(
        conn,
        [
            *_progress(INBOXES[:20], State.DELIVERED, status=202),
            *_progress(INBOXES[20:32], State.PARKED, reason="host_held", tried=False, next_try_at=later),
            *_progress(INBOXES[32:34], State.DEAD, status=410, reason="host_gone"),
            *_progress(INBOXES[34:35], State.PARKED, status=503, reason="http_503"),
        ],
    )
    found = await _rows(conn)
    assert {found[inbox] for inbox in INBOXES[:20]} == {(1, 1, 202, "", None)}
    assert {found[inbox] for inbox in INBOXES[20:32]} == {(2, 0, None, "host_held", later)}
    assert {found[inbox] for inbox in INBOXES[32:34]} == {(3, 1, 410, "host_gone", None)}
    assert found[INBOXES[34]] == (2, 1, 503, "http_503", None)
    assert {found[inbox] for inbox in INBOXES[35:]} == {(0, 0, None, "", None)}


async def test_what_is_delivered_stays_delivered(conn: Connection) -> None:
    """A late copy changes nothing of what has arrived, be it one of many or alone; an attempt counts."""
    await _planned(conn)
    await deliveries.record(conn, _progress(INBOXES, State.PARKED, status=503, reason="http_503"))
    await deliveries.record(conn, _progress(INBOXES, State.DELIVERED, status=202))
    await deliveries.record(conn, _progress(INBOXES[:20], State.PARKED, status=503, reason="http_503"))
    await deliveries.record(conn, _progress(INBOXES[20:21], State.DEAD, status=400, reason="http_400"))
    assert set((await _rows(conn)).values()) == {(1, 2, 202, "", None)}
