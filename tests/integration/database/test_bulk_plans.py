"""What is left to be planned in bulk, and how what was said of a matter before is found."""

from datetime import UTC, datetime

from shared.database import bulk, deliveries, delivery_plans
from shared.database.deliveries import Progress, State
from shared.database.delivery_plans import Planned, Precedent, SentActivity
from shared.database.pool import Connection

NOW = datetime.now(UTC)
INBOX = "https://birch.example/inbox"


def _sent(number: int, *, kind: str = "Create") -> SentActivity:
    post = f"https://loom.example/posts/{number}"
    return SentActivity(
        uri=f"{post}/{kind}", type=kind, actor_id=7, subject=post, body=b"{}", trace="", created_at=NOW
    )


async def _waiting(conn: Connection) -> list[bytes]:
    return [row["message"] for row in await conn.fetch("SELECT message FROM bulk_plans ORDER BY id")]


async def test_plans_wait_in_order_and_once(conn: Connection) -> None:
    """What is left together waits in its order; left again, nothing of it waits twice or comes back."""
    left = [(_sent(number), b"%d" % number) for number in (3, 1, 2)]
    await bulk.begin(conn, left)
    await bulk.begin(conn, [*left, (_sent(4), b"4")])
    assert await _waiting(conn) == [b"3", b"1", b"2", b"4"]
    plan = await bulk.lock_next_plan(conn)
    assert plan is not None
    await bulk.end(conn, plan.id)
    await bulk.begin(conn, left)
    assert await _waiting(conn) == [b"1", b"2", b"4"]


async def test_a_plan_of_the_queues_does_not_become_one_of_the_bulk(conn: Connection) -> None:
    """What is recorded as going through the queues is not left to the bulk beside that."""
    await delivery_plans.insert_activities(conn, [_sent(1)])
    await bulk.begin(conn, [(_sent(1), b"1"), (_sent(2), b"2")])
    assert await _waiting(conn) == [b"2"]


async def test_precedents_are_found_together(conn: Connection) -> None:
    """For many subjects at once the answer is that for each alone: in bulk, in the queues, settled, none."""
    await bulk.begin(conn, [(_sent(1), b"1")])
    await delivery_plans.insert_activities(conn, [_sent(2), _sent(3)])
    rows = [
        Planned(activity_uri=_sent(number).uri, inbox=INBOX, host=INBOX[8:-6], shared=True, created_at=NOW)
        for number in (2, 3)
    ]
    await delivery_plans.insert_planned(conn, rows)
    settled = Progress(activity_uri=_sent(3).uri, inbox=INBOX, state=State.DELIVERED, status=202)
    await deliveries.record(conn, [settled])
    subjects = [_sent(number).subject for number in (1, 2, 3, 4)]
    found = await delivery_plans.precedents(conn, subjects)
    assert [found[subject] for subject in subjects] == [
        Precedent(in_bulk=True, in_queues=False),
        Precedent(in_bulk=False, in_queues=True),
        Precedent(in_bulk=False, in_queues=False),
        Precedent(in_bulk=False, in_queues=False),
    ]
    for subject in subjects:
        assert await delivery_plans.precedent(conn, subject) == found[subject]
