"""The receiver's bounds: blocked domains, rates, slow and idle connections."""

import asyncio
import contextlib

from services.inbox_receiver.body import Bodies
from services.inbox_receiver.rate import RateLimit
from shared.database import domain_blocks
from shared.database.domain_blocks import DomainBlock
from shared.database.pool import connect
from tests.contract.proxy import proxied
from tests.infrastructure import eventually
from tests.integration.receiver.inbox import Bounds, Inbox, activity, receiving, signed


async def block(database_url: str, *domains: str) -> None:
    """Suspend these domains."""
    connection = await connect(database_url, application_name="test")
    await domain_blocks.put(
        connection, [DomainBlock(domain=domain, severity="suspend") for domain in domains]
    )
    await connection.close()


async def status_of(inbox: Inbox, actor: str = "https://remote.example/users/edith") -> int:
    """Post an activity of this actor and return the answer's status."""
    body = activity(actor=actor)
    return (await inbox.post(body, signed(body))).status


async def test_a_blocked_domain_is_403(broker_url: str, own_database_url: str) -> None:
    """What comes from a suspended domain, or a subdomain of it, is refused; its neighbours are not."""
    async with receiving(broker_url, own_database_url) as inbox:
        assert await status_of(inbox, "https://bad.example/users/1") == 202
        await block(own_database_url, "bad.example")

        async def refused() -> bool:
            return await status_of(inbox, "https://bad.example/users/1") == 403

        await eventually(refused, "the block")
        assert await status_of(inbox, "https://deep.bad.example:8443/users/1") == 403
        assert await status_of(inbox, "https://notbad.example/users/1") == 202
        await inbox.queued()


async def test_a_blocked_key_is_403(broker_url: str, own_database_url: str) -> None:
    """A key of a suspended domain does not help anybody in."""
    await block(own_database_url, "remote.example")
    async with receiving(broker_url, own_database_url) as inbox:

        async def refused() -> bool:
            return await status_of(inbox, "https://fine.example/users/1") == 403

        await eventually(refused, "the block")
        await inbox.queued()


async def test_the_last_list_serves_while_the_database_is_away(
    broker_url: str, own_database_url: str
) -> None:
    """Without the database the receiver goes on, with the blocks that it knew."""
    await block(own_database_url, "bad.example")
    async with proxied(own_database_url) as (proxy, url), receiving(broker_url, url) as inbox:

        async def refused() -> bool:
            return await status_of(inbox, "https://bad.example/users/1") == 403

        await eventually(refused, "the block")
        proxy.refuses = True
        proxy.cut()
        await asyncio.sleep(0.2)
        assert await status_of(inbox, "https://bad.example/users/1") == 403
        assert await status_of(inbox) == 202
        await block(own_database_url, "remote.example")
        proxy.refuses = False

        async def learned() -> bool:
            return await status_of(inbox) == 403

        await eventually(learned, "the new block")
        await inbox.queued()


async def test_too_many_requests_of_one_address_are_429(broker_url: str, database_url: str) -> None:
    """An address that sends too much is told when to come again; another one is not concerned."""
    bounds = Bounds(rate=RateLimit(per_second=0.5, burst=3))
    async with receiving(broker_url, database_url, bounds) as inbox:
        body = activity()
        answers = [await inbox.post(body, signed(body, X_Forwarded_For="192.0.2.1")) for _ in range(4)]
        assert [answer.status for answer in answers] == [202, 202, 202, 429]
        assert answers[3].problem["reason"] == "rate_limited"
        assert 0 < int(answers[3].headers["Retry-After"]) <= 2
        other = await inbox.post(body, signed(body, X_Forwarded_For="192.0.2.2"))
        assert other.status == 202
        await inbox.queued()


async def test_a_dripping_body_is_408(broker_url: str, database_url: str) -> None:
    """A body that drips in is cut off at its deadline, however steady it is."""
    bounds = Bounds(bodies=Bodies(deadline=0.3))

    async def drip() -> object:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                yield b" "
                await asyncio.sleep(0.02)

    async with receiving(broker_url, database_url, bounds) as inbox:
        answer = await inbox.post(drip(), signed(activity()))  # type: ignore[arg-type]
        assert (answer.status, answer.problem["reason"]) == (408, "body_too_slow")
        assert await inbox.queued() == []


async def test_unfinished_bodies_are_bounded_together(broker_url: str, database_url: str) -> None:
    """The memory of all bodies under way has a bound; small ones pass beside it."""
    bounds = Bounds(bodies=Bodies(max_held=200_000))
    large = activity(content="x" * 300_000)
    async with receiving(broker_url, database_url, bounds) as inbox:
        answer = await inbox.post(large, signed(large))
        assert (answer.status, answer.problem["reason"]) == (503, "overloaded")
        assert await status_of(inbox) == 202
        await inbox.queued()


async def test_idle_connections_are_closed(broker_url: str, database_url: str) -> None:
    """A connection that never finishes a request head is closed."""
    async with receiving(broker_url, database_url, Bounds(idle=0.3)) as inbox:
        for head in (b"", b"POST /inbox HTTP/1.1\r\nHost: loom.example\r\nX-Slow: "):
            reader, writer = await _open(inbox)
            writer.write(head)
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()


async def test_connections_are_bounded(broker_url: str, database_url: str) -> None:
    """Connections beyond the bound are closed at once; those within it are served."""
    async with receiving(broker_url, database_url, Bounds(max_connections=2)) as inbox:
        idle = [await _open(inbox)]
        assert await status_of(inbox) == 202
        idle.append(await _open(inbox))
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(idle[1][0].read(), 10) == b""
        assert await status_of(inbox) == 202
        for _, writer in idle:
            writer.close()
        await inbox.queued()


async def test_a_broken_request_is_400_and_harms_nobody(broker_url: str, database_url: str) -> None:
    """Bytes that are no HTTP get a 400, and the next request is served."""
    async with receiving(broker_url, database_url) as inbox:
        reader, writer = await _open(inbox)
        writer.write(b"POST /inbox HTTP/1.1\r\nContent-Length: -1\r\n\r\n")
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        assert await status_of(inbox) == 202
        await inbox.queued()


async def test_a_sender_that_asks_first_is_told_to_go_on(broker_url: str, database_url: str) -> None:
    """Expect: 100-continue is answered, so that nobody waits in vain before the body."""
    body = activity()
    async with receiving(broker_url, database_url) as inbox:
        reader, writer = await _open(inbox)
        headers = {**signed(body), "Content-Length": str(len(body)), "Expect": "100-continue"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST /inbox HTTP/1.1\r\n{lines}\r\n".encode())
        assert b" 100 " in await asyncio.wait_for(reader.readline(), 10)
        await reader.readline()
        writer.write(body)
        assert b" 202 " in await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        await inbox.queued()


async def _open(inbox: Inbox) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = inbox.url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))
