"""Several processes of one service: a parent that only watches, and children that share the port.

Each child is the same command again. It listens with SO_REUSEPORT, answers its ops requests on a Unix
socket, and ends when the parent does: its standard input is a pipe that only the parent holds. The parent
answers `/readyz` for all of them and adds up their metrics.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from shared.runtime.context import GRACE
from shared.runtime.health import OpsServer, Readiness, ops_server
from shared.runtime.settings import Settings
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

_NUMBER = "HEDDLE_WORKER"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0
"""Seconds after which a process counts as healthy and its next restart is quick again."""


class Place(Struct, frozen=True):
    """Where a child stands among its siblings."""

    number: int
    folder: str

    @property
    def socket(self) -> str:
        """The path of this process' ops socket."""
        return str(Path(self.folder) / f"worker-{self.number}.sock")

    def stop_with_parent(self, stopping: asyncio.Event) -> Callable[[], None]:
        """Set the event when the parent is gone; returns what ends the watch."""
        loop = asyncio.get_running_loop()
        descriptor = sys.stdin.fileno()

        def stop() -> None:
            loop.remove_reader(descriptor)

        def at_end() -> None:
            if not os.read(descriptor, 1):
                stop()
                stopping.set()

        loop.add_reader(descriptor, at_end)
        return stop


def place_of_this_process() -> Place | None:
    """Return the place of a child, or nothing in a process that stands alone or is the parent."""
    number = os.environ.get(_NUMBER)
    folder = os.environ.get(_FOLDER)
    return Place(int(number), folder) if number and folder else None


def catch_signals(stopping: asyncio.Event) -> None:
    """Set the event at SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)


async def supervise(settings: Settings) -> int:
    """Keep `settings.processes` children running until SIGTERM; returns the exit code."""
    stopping = asyncio.Event()
    catch_signals(stopping)
    address = settings.ops_listen
    if address is None:
        raise ValueError("HEDDLE_OPS_LISTEN is not set")
    readiness = Readiness()
    with tempfile.TemporaryDirectory(prefix="heddle-") as folder:
        children = [Child(Place(number, folder), stopping) for number in range(settings.processes)]
        for child in children:
            readiness.add(f"process-{child.place.number}", child.check)
        server = OpsServer(readiness, lambda: metrics.render(folder))
        try:
            async with ops_server(server, address) as where:
                log.info("service_started", pid=os.getpid(), ops=where, processes=len(children))
                keepers = [asyncio.create_task(child.keep()) for child in children]
                await stopping.wait()
                readiness.draining = True
                log.info("service_stopping")
                codes = await asyncio.gather(*keepers)
        except OSError as error:
            # One line: a traceback tells an operator nothing here.
            log.error("service_cannot_start", error=f"cannot listen on {address}: {error}")  # noqa: TRY400
            return 1
    log.info("service_stopped")
    return max(codes)


class Child:
    """One child process, started again when it ends before its time."""

    def __init__(self, place: Place, stopping: asyncio.Event) -> None:
        self.place = place
        self._stopping = stopping
        self._pause = _FIRST_PAUSE

    async def keep(self) -> int:
        """Run it until we are to stop; returns 0 after an orderly end, else 1."""
        while not self._stopping.is_set():
            begun = monotonic()
            process = await self._start()
            code = await self._watch(process)
            metrics.forget_process(process.pid, self.place.folder)
            if self._stopping.is_set():
                return 0 if code == 0 else 1
            self._pause = _FIRST_PAUSE if monotonic() - begun > _STEADY_AFTER else self._pause
            log.error("process_died", process=self.place.number, code=code, restart_in=self._pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return 0

    async def check(self) -> str:
        """Ask the child whether it is ready."""
        try:
            connector = aiohttp.UnixConnector(path=self.place.socket)
            async with (
                aiohttp.ClientSession(connector=connector) as session,
                session.get("http://child/readyz") as response,
            ):
                report = msgspec.json.decode(await response.read(), type=_Report)
        except (aiohttp.ClientError, OSError, msgspec.DecodeError):
            return "no answer"
        return ", ".join(f"{check}: {what}" for check, what in report.checks.items() if what != "ok")

    async def _start(self) -> asyncio.subprocess.Process:
        environ = {**os.environ, _NUMBER: str(self.place.number), _FOLDER: self.place.folder}
        command = [sys.executable, *sys.orig_argv[1:]]
        # The write end of the pipe stays open here until this process ends, in whatever way.
        return await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, env=environ)

    async def _watch(self, process: asyncio.subprocess.Process) -> int:
        ended = asyncio.create_task(process.wait())
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((ended, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait((ended,), timeout=GRACE + 3)
        if not ended.done():
            process.kill()
        return await ended


class _Report(Struct, frozen=True):
    ready: bool
    checks: dict[str, str]
