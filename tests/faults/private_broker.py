"""A RabbitMQ of a test's own, to be killed, starved and started again."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from deploy.local import management
from deploy.local.fetch import RABBITMQ
from deploy.local.paths import Home
from deploy.local.ports import free_server_ports
from deploy.local.processes import Process, start
from deploy.local.rabbitmq import EmbeddedRabbit
from tests.infrastructure import eventually

START_SECONDS = 60.0


class PrivateBroker:
    """One node with its data in a folder of its own.

    Args:
        folder: Where the data lies.
    """

    def __init__(self, folder: Path) -> None:
        self._ports = free_server_ports()
        self._rabbit = EmbeddedRabbit(home=Home(folder=folder), ports=self._ports, password="test")
        self._rabbit.home.log.mkdir(parents=True)
        self._rabbit.prepare()
        self._epmd, self._server = self._rabbit.programs()
        self._processes: list[Process] = []
        self._node: Process | None = None
        self.url = f"{self._rabbit.url}/"

    async def start(self) -> None:
        """Start the node, or start it again; returns when it serves."""
        if not self._processes:
            self._processes.append(start(self._epmd))
        self._node = start(self._server)
        self._processes.append(self._node)
        await eventually(self._listens, "the broker", seconds=START_SECONDS)

    def kill(self) -> None:
        """End the node as a crash does."""
        if self._node is not None:
            os.killpg(self._node.record.pid, signal.SIGKILL)
            self._node.handle.wait()

    async def control(self, *arguments: str) -> None:
        """Run rabbitmqctl."""
        (tool,) = RABBITMQ.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmqctl")
        environment = {key: value for key, value in self._server.environment.items() if key != "detached"}
        process = await asyncio.create_subprocess_exec(
            str(tool),
            *arguments,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()

    def stop(self) -> None:
        """End everything."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.record.pid, signal.SIGKILL)
            process.handle.wait()

    async def _listens(self) -> bool:
        return await asyncio.to_thread(management.listens, self._rabbit.management_url, self._ports.broker)


@contextlib.asynccontextmanager
async def private_broker(folder: Path) -> AsyncIterator[PrivateBroker]:
    """Yield a running broker of its own."""
    broker = PrivateBroker(folder)
    try:
        await broker.start()
        yield broker
    finally:
        broker.stop()


def is_fetched() -> bool:
    """Tell whether the broker's programs are here."""
    return RABBITMQ.exists()
