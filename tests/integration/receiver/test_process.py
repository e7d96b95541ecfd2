"""The receiver as its own process, started as operators start it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import msgspec

from shared.queue.connection import connect
from shared.queue.topology import INBOX_RECEIVED
from tests.infrastructure import eventually
from tests.integration.receiver.inbox import ORIGIN, Inbox, activity, signed
from tests.ports import free_port


@dataclass
class Running:
    """A running receiver."""

    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession
    url: str
    ops_url: str

    async def ready(self) -> bool:
        """Tell whether it says it is ready."""
        return (await self._status("/readyz")) == 200

    async def alive(self) -> bool:
        """Tell whether it says it is alive."""
        return (await self._status("/livez")) == 200

    async def _status(self, path: str) -> int:
        try:
            async with self.session.get(self.ops_url + path) as response:
                return response.status
        except aiohttp.ClientError:
            return 0


@contextlib.asynccontextmanager
async def running(broker_url: str, database_url: str, **environ: str) -> AsyncIterator[Running]:
    """Run `python -m services.inbox_receiver`."""
    port, ops_port = free_port(), free_port()
    settings = {
        "HEDDLE_ORIGIN": ORIGIN,
        "HEDDLE_BROKER_URL": broker_url,
        "HEDDLE_DATABASE_URL": database_url,
        "HEDDLE_LISTEN": f"127.0.0.1:{port}",
        "HEDDLE_OPS_LISTEN": f"127.0.0.1:{ops_port}",
        **environ,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.inbox_receiver",
        env={"PATH": os.environ["PATH"], **settings},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with aiohttp.ClientSession() as session:
            yield Running(process, session, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ops_port}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_sigterm_answers_what_has_begun(broker_url: str, database_url: str) -> None:
    """Under load and after SIGTERM every request that was answered has its 202 and is on the queue."""
    async with (
        running(broker_url, database_url, HEDDLE_LOG_LEVEL="debug") as service,
        connect(broker_url, "test", [INBOX_RECEIVED]) as broker,
    ):
        await eventually(service.ready, "readiness")
        await broker.wait_until_up()
        inbox = Inbox(service.url, service.session, broker)
        statuses: list[int] = []

        async def post_until_closed(sender: int) -> None:
            for number in range(100_000):
                body = activity(id=f"https://remote.example/{sender}/{number}")
                try:
                    statuses.append((await inbox.post(body, signed(body))).status)
                except aiohttp.ClientConnectorError:
                    return
                except aiohttp.ClientError:
                    continue

        senders = [asyncio.create_task(post_until_closed(sender)) for sender in range(4)]
        await eventually(lambda: len(statuses) > 50, "some load")
        service.process.terminate()
        output, _ = await asyncio.wait_for(service.process.communicate(), 30)
        await asyncio.gather(*senders)
        queued = await inbox.queued()
    assert service.process.returncode == 0
    assert set(statuses) == {202}
    assert sum(len(items) for items in queued) >= len(statuses)
    events = [msgspec.json.decode(line)["event"] for line in output.splitlines()]
    assert events[-1] == "service_stopped"
    assert events.count("activity_received") >= len(statuses)


async def test_it_starts_without_broker_and_database() -> None:
    """With neither broker nor database it lives, is not ready, answers 503, and stops in order."""
    nowhere = f"127.0.0.1:{free_port()}"
    async with running(f"amqp://{nowhere}/", f"postgresql://{nowhere}/none") as service:
        await eventually(service.alive, "liveness")
        assert not await service.ready()
        body = activity()
        async with service.session.post(f"{service.url}/inbox", data=body, headers=signed(body)) as response:
            assert response.status == 503
            assert msgspec.json.decode(await response.read())["reason"] == "broker_away"
        service.process.terminate()
        await asyncio.wait_for(service.process.communicate(), 30)
    assert service.process.returncode == 0


async def test_several_processes_take_in_together(broker_url: str, database_url: str) -> None:
    """With PROCESSES=2 requests on many connections are all taken in, and counted in one place."""
    async with (
        running(broker_url, database_url, HEDDLE_PROCESSES="2") as service,
        connect(broker_url, "test", [INBOX_RECEIVED]) as broker,
    ):
        await eventually(service.ready, "readiness of both")
        await broker.wait_until_up()
        inbox = Inbox(service.url, service.session, broker)
        bodies = [activity(id=f"https://remote.example/{number}") for number in range(40)]
        answers = await asyncio.gather(*(inbox.post(body, signed(body)) for body in bodies))
        assert {answer.status for answer in answers} == {202}
        async with service.session.get(f"{service.ops_url}/metrics") as response:
            assert 'heddle_inbox_requests_total{status="202"} 40.0' in await response.text()
        assert sum(len(items) for items in await inbox.queued()) == 40


async def test_noise_on_the_port_is_one_line_without_a_traceback(broker_url: str, database_url: str) -> None:
    """Bytes that are no HTTP get a 400 and one line in the log that does not look like our own failure."""
    async with running(broker_url, database_url) as service:
        await eventually(service.ready, "readiness")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
        writer.write(b"POST /inbox HTTP/1.1\r\nContent-Length: minus one\r\n\r\n")
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        service.process.terminate()
        output, _ = await asyncio.wait_for(service.process.communicate(), 30)
    noise = [line for line in map(msgspec.json.decode, output.splitlines()) if line.get("reason")]
    assert [(line["event"], line["reason"]) for line in noise] == [("inbox_refused", "http_broken")]
    assert noise[0]["level"] == "info"
    assert b"Traceback" not in output
