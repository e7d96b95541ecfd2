"""Processes of the project's own modules, as `python -m` would start them, from the fork server."""

import asyncio
import atexit
import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol, TypeAlias

import msgspec

from tests.fork_server import MOST_BYTES, Request

ROOT = Path(__file__).resolve().parent.parent


class Forked:
    """A process of its own, with the part of `asyncio.subprocess.Process` that tests use.

    Args:
        told: The pipe that brings its process id and, in the end, its exit code.
    """

    def __init__(self, told: int) -> None:
        self._told = told
        self._heard = b""
        self._code: int | None = None
        self.pid = 0

    @property
    def returncode(self) -> int | None:
        """The exit code, the negative signal where one ended it, or nothing while it runs."""
        with contextlib.suppress(BlockingIOError):
            while self._code is None:
                self._hear()
        return self._code

    async def started(self) -> None:
        """Return once it has its process id."""
        while not self.pid:
            await _readable(self._told)
            self._hear()

    async def wait(self) -> int:
        """Return the exit code, once it has ended."""
        while (code := self.returncode) is None:
            await _readable(self._told)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing where it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _hear(self) -> None:
        """Take in what is told; raises BlockingIOError where nothing new is."""
        data = os.read(self._told, 64)
        self._heard += data
        words = self._heard.split(b"\n")[:-1]
        if words:
            self.pid = int(words[0])
        if len(words) > 1 or not data:
            # The server tells no end only where it was killed, and then all are.
            self._code = int(words[1]) if len(words) > 1 else -signal.SIGKILL
            os.close(self._told)


Running: TypeAlias = Forked | asyncio.subprocess.Process


class Start(Protocol):
    """Starts `python -m module arguments` in the root folder, with this environment and nothing to read."""

    async def __call__(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        output: IO[bytes],
        errors: IO[bytes],
    ) -> Running:
        """Return the running process."""
        ...


async def fork(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes],
    errors: IO[bytes],
) -> Forked:
    """Start a process in next to no time; a `Start`."""
    request = msgspec.json.encode(
        Request(module=module, arguments=tuple(arguments), environment=dict(environment), folder=str(ROOT))
    )
    if len(request) > MOST_BYTES:
        raise ValueError(f"{len(request)} bytes of environment and arguments")
    told, tells = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(told, False)
    try:
        socket.send_fds(_server(), [request], [output.fileno(), errors.fileno(), tells])
    finally:
        os.close(tells)
    process = Forked(told)
    await process.started()
    return process


async def execute(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    output: IO[bytes],
    errors: IO[bytes],
) -> asyncio.subprocess.Process:
    """Start a process that shares no memory with any other, for who measures it; a `Start`."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
    )


async def run(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run `python -m module arguments` to its end; return exit code, standard output and standard error."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = await fork(module, arguments, environment, output, errors)
        try:
            code = await process.wait()
        finally:
            process.kill()
        texts = [(file.seek(0), file.read().decode())[1] for file in (output, errors)]
    return code, texts[0], texts[1]


@functools.cache
def _server() -> socket.socket:
    """Start the server of this test process, at the first need."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("HEDDLE_")},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    atexit.register(_end, ours, server)
    return ours


def _end(ours: socket.socket, server: subprocess.Popen[bytes]) -> None:
    ours.close()
    server.wait()


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
