"""A whole Heddle site as separate processes, for the tests and benchmarks that need one."""

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from msgspec import Struct, json
from prometheus_client.parser import text_string_to_metric_families

from tests import forked
from tests.forked import ROOT, Running, Start
from tests.infrastructure import eventually
from tests.ports import free_port

PIPELINE = (
    "inbox_receiver",
    "signature_verifier",
    "timeline_builder",
    "fanout_deliverer",
    "platform_gateway",
)
LISTENERS = {"inbox_receiver", "platform_gateway", "operator_console"}
START_SECONDS = 90.0


class NewAccount(Struct):
    """What `heddle account create` prints."""

    id: str
    acct: str
    access_token: str


@dataclass
class Process:
    """One service process and where it listens."""

    service: str
    listen: str
    ops: str
    running: Running

    @property
    def pid(self) -> int:
        """The process id."""
        return self.running.pid


@dataclass(kw_only=True)
class Site:
    """One site: its settings, its processes, and the front that makes one origin of them.

    Args:
        name: Goes into host name and log files.
        database_url: An empty database of its own.
        broker_url: A vhost of its own.
        folder: Where logs go.
        extra: More environment for the services.
        launch: How its processes come to be.
    """

    name: str
    database_url: str
    broker_url: str
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    launch: Start = forked.fork
    port: int = field(default_factory=free_port)
    processes: dict[str, Process] = field(default_factory=dict)
    _ports: dict[str, tuple[int, int]] = field(default_factory=dict)
    _front: Running | None = None

    @property
    def host(self) -> str:
        """Host and port as they stand in ids and handles."""
        return f"{self.name}.localhost:{self.port}"

    @property
    def origin(self) -> str:
        """The origin of all ids."""
        return f"http://{self.host}"

    @property
    def address(self) -> str:
        """Where clients connect that do not know that `*.localhost` means loopback."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """The settings that all services of the site share."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HEDDLE_")}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "HEDDLE_ORIGIN": self.origin,
            "HEDDLE_DATABASE_URL": self.database_url,
            "HEDDLE_BROKER_URL": self.broker_url,
            "HEDDLE_SECRET_KEY": self.extra.get("HEDDLE_SECRET_KEY", _SECRET),
            "HEDDLE_ALLOW_PRIVATE_PEERS": "true",
            "HEDDLE_FEDERATION_DELAY": "0",
            "HEDDLE_LOG_FORMAT": "json",
            **self.extra,
        }

    async def start(self, services: tuple[str, ...] = PIPELINE) -> None:
        """Migrate, start the services and the front, and return when all are ready."""
        await self.command("migrate")
        for service in services:
            await self.start_service(service, wait=False)
        await asyncio.gather(*(self.wait_ready(service) for service in services))
        if {"inbox_receiver", "platform_gateway"} <= set(services):
            await self._start_front()

    async def start_service(self, service: str, *, wait: bool = True) -> Process:
        """Start one service, on the addresses it had before if it ran before.

        A name with a number after a dot, `inbox_receiver.1` for instance, is another replica.
        """
        listen, ops = self._ports.setdefault(service, (free_port(), free_port()))
        environment = self.environment() | {
            "HEDDLE_LISTEN": f"127.0.0.1:{listen}",
            "HEDDLE_OPS_LISTEN": f"127.0.0.1:{ops}",
        }
        running = await self._spawn(service, environment, f"services.{service.partition('.')[0]}")
        process = Process(service, f"http://127.0.0.1:{listen}", f"http://127.0.0.1:{ops}", running)
        self.processes[service] = process
        if wait:
            await self.wait_ready(service)
        return process

    async def _spawn(self, name: str, environment: dict[str, str], module: str, *arguments: str) -> Running:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{self.name}.{name}.log").open("ab") as log:
            return await self.launch(module, arguments, environment, output=log, errors=log)

    async def _start_front(self) -> None:
        self._front = await self._spawn(
            "front",
            self.environment(),
            "deploy.local.front",
            f"127.0.0.1:{self.port}",
            self.processes["inbox_receiver"].listen,
            self.processes["platform_gateway"].listen,
        )
        await eventually(self._front_answers, f"the front of {self.name}", seconds=START_SECONDS)

    async def _front_answers(self) -> bool:
        return await _status(f"{self.address}/.well-known/nodeinfo") == 200

    async def wait_ready(self, service: str) -> None:
        """Return when the service says that it is ready; fail with its log when it ends instead."""
        process = self.processes[service]

        async def ready() -> bool:
            if process.running.returncode is not None:
                raise AssertionError(
                    f"{service} ended with {process.running.returncode}: {self.log(service)}"
                )
            return await _status(f"{process.ops}/readyz") == 200

        await eventually(ready, f"{service} of {self.name} to be ready", seconds=START_SECONDS)

    def log(self, service: str, lines: int = 30) -> str:
        """Return the end of a service's log."""
        file = self.folder / f"{self.name}.{service}.log"
        return "\n".join(file.read_text().splitlines()[-lines:]) if file.exists() else ""

    async def count(self, service: str, metric: str, **labels: str) -> float:
        """Return the value of a metric of a service, summed over what the labels leave open."""
        _, text = await _get(f"{self.processes[service].ops}/metrics")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == metric and labels.items() <= sample.labels.items()
        )

    async def trouble(self, service: str) -> dict[str, str]:
        """Return what a service's readiness complains about, by check; nothing where it is ready."""
        _, text = await _get(f"{self.processes[service].ops}/readyz")
        checks = json.decode(text, type=_Report).checks
        return {name: problem for name, problem in checks.items() if problem != "ok"}

    async def kill(self, service: str) -> None:
        """End a service as a crash would (SIGKILL), and return when it is gone."""
        process = self.processes[service].running
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()

    async def command(self, *arguments: str) -> str:
        """Run the command line with the site's settings and return what it printed."""
        code, printed, complaint = await forked.run(
            "services.operator_console.cli", arguments, self.environment()
        )
        assert code == 0, f"heddle {' '.join(arguments)}: {complaint}"
        return printed

    async def account(self, name: str) -> NewAccount:
        """Make a federated account and return it with an access token."""
        printed = await self.command("account", "create", name, "--federate")
        return json.decode(printed, type=NewAccount)

    async def stop(self) -> None:
        """Ask every process to end, and kill those that do not."""
        processes = [one.running for one in self.processes.values()]
        if self._front is not None:
            processes.insert(0, self._front)
        for process in processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                await asyncio.wait_for(process.wait(), 30)
            except TimeoutError:
                process.kill()
                await process.wait()


_SECRET = secrets.token_hex(32)


class _Report(Struct):
    checks: dict[str, str]


async def _get(url: str) -> tuple[int, str]:
    timeout = aiohttp.ClientTimeout(total=2)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def _status(url: str) -> int:
    try:
        return (await _get(url))[0]
    except (aiohttp.ClientError, TimeoutError):
        return 0


@contextlib.asynccontextmanager
async def running(site: Site, services: tuple[str, ...] = PIPELINE) -> AsyncIterator[Site]:
    """Run a site for the length of a block."""
    try:
        await site.start(services)
        yield site
    finally:
        await site.stop()
