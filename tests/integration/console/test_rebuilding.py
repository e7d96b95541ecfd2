"""`heddle queue rebuild`: what a broker that lost everything is filled with."""

from shared.database import outbox
from shared.database.deliveries import State
from shared.database.outbox import OutboxMessage
from shared.database.pool import Connection
from shared.queue.connection import connect
from shared.queue.topology import ACTIVITY_ACCEPTED
from tests.integration.console.command_line import Heddle
from tests.integration.console.trouble import plan

INBOX = "https://birch.example/inbox"
DONE = "https://elm.example/inbox"


async def test_published_and_queued_is_found_again(
    heddle: Heddle, database: Connection, own_broker_url: str
) -> None:
    """What was published is published again in its order; what was queued is due; what is done stays so.

    With `--dry-run` all of it is only counted.
    """
    payloads = [b"one", b"two", b"three"]
    await outbox.enqueue(database, [OutboxMessage(queue=ACTIVITY_ACCEPTED, payload=one) for one in payloads])
    await outbox.note_sent(database, [row.id for row in await outbox.due(database, 3)])
    await plan(database, {INBOX: State.QUEUED, DONE: State.DELIVERED})

    counted = (await heddle("queue", "rebuild", "--dry-run", "--json")).record()
    assert counted == {"published_again": 3, "deliveries_sent_again": 1}
    assert await _states(database) == {INBOX: State.QUEUED, DONE: State.DELIVERED}

    assert (await heddle("queue", "rebuild", "--json")).record() == counted
    assert await _states(database) == {INBOX: State.PARKED, DONE: State.DELIVERED}
    assert await database.fetchval("SELECT next_try_at <= now() FROM hosts WHERE host = 'birch.example'")
    async with connect(own_broker_url, "test", []) as broker:
        await broker.wait_until_up()
        queue = await (await broker.consuming.channel()).get_queue(ACTIVITY_ACCEPTED)
        assert [(await queue.get(no_ack=True)).body for _ in payloads] == payloads


async def _states(database: Connection) -> dict[str, State]:
    rows = await database.fetch("SELECT inbox, state FROM deliveries")
    return {row["inbox"]: State(row["state"]) for row in rows}
