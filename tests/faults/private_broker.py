"""RabbitMQ nodes of a test's own, to be killed, starved, wiped and started again."""

import asyncio
import contextlib
import dataclasses
import os
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from deploy.local import management
from deploy.local.fetch import RABBITMQ
from deploy.local.paths import Home
from deploy.local.ports import ServerPorts
from deploy.local.processes import Process, start
from deploy.local.rabbitmq import NODE, EmbeddedRabbit
from tests.infrastructure import eventually
from tests.ports import free_port, free_server_ports

START_SECONDS = 90.0
NODES = tuple(f"heddle{number}@localhost" for number in (1, 2, 3))
_CLUSTER = "cluster_partition_handling = pause_minority\n" + "".join(
    f"cluster_formation.classic_config.nodes.{number} = {node}\n" for number, node in enumerate(NODES, 1)
)


class PrivateBroker:
    """One node with its data in a folder of its own.

    Args:
        folder: Where the data lies.
        node: Its name.
        ports: Where it listens.
        settings: More lines of its configuration.
    """

    def __init__(
        self, folder: Path, *, node: str = NODE, ports: ServerPorts | None = None, settings: str = ""
    ) -> None:
        self._ports = ports or free_server_ports()
        self._rabbit = EmbeddedRabbit(
            home=Home(folder=folder),
            ports=self._ports,
            password="test",
            node=node,
            settings=settings,
            durable=False,
        )
        self._rabbit.home.log.mkdir(parents=True)
        self._rabbit.prepare()
        self._epmd, self._server = self._rabbit.programs()
        self._node: Process | None = None
        self.name = node
        self.url = f"{self._rabbit.url}/"
        self.management_url = self._rabbit.management_url

    @property
    def cookie(self) -> Path:
        """Where the secret lies that the nodes of a cluster share."""
        return self._server.cwd / ".erlang.cookie"

    def start_mapper(self) -> Process:
        """Start the program that knows the nodes' ports; one is enough for all nodes with its port."""
        return start(self._epmd)

    async def start(self) -> None:
        """Start the node, or start it again; returns when it serves."""
        self._node = start(self._server)
        await eventually(self._listens, f"the broker {self.name}", seconds=START_SECONDS)

    def kill(self) -> None:
        """End the node as a crash does."""
        if self._node is not None:
            _end(self._node)

    def wipe(self) -> None:
        """Remove all that a dead node knew."""
        shutil.rmtree(self._server.cwd / "mnesia")

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

    async def _listens(self) -> bool:
        return await asyncio.to_thread(management.listens, self.management_url, self._ports.broker)


@contextlib.asynccontextmanager
async def private_broker(folder: Path) -> AsyncIterator[PrivateBroker]:
    """Yield a running broker of its own."""
    broker = PrivateBroker(folder)
    async with _running([broker]):
        await broker.start()
        yield broker


@contextlib.asynccontextmanager
async def private_cluster(folder: Path) -> AsyncIterator[list[PrivateBroker]]:
    """Yield the running nodes of a cluster of three, which stop serving where they are the fewer."""
    mapper, cookie = free_port(), secrets.token_hex(16)
    nodes = []
    for node in NODES:
        ports = dataclasses.replace(free_server_ports(), epmd=mapper)
        broker = PrivateBroker(folder / node, node=node, ports=ports, settings=_CLUSTER)
        broker.cookie.touch(mode=0o600)
        broker.cookie.write_text(cookie)
        nodes.append(broker)
    async with _running(nodes):
        # The first one founds the cluster that the others find.
        await nodes[0].start()
        await asyncio.gather(*(node.start() for node in nodes[1:]))
        yield nodes


@contextlib.asynccontextmanager
async def _running(nodes: Sequence[PrivateBroker]) -> AsyncIterator[None]:
    mapper = nodes[0].start_mapper()
    try:
        yield
    finally:
        for node in nodes:
            node.kill()
        _end(mapper)


def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.record.pid, signal.SIGKILL)
    process.handle.wait()


def is_fetched() -> bool:
    """Tell whether the broker's programs are here."""
    return RABBITMQ.exists()
