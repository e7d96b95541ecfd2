"""The other processes of a run: started, spoken with, ended."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

from services.load_generator import frames
from services.load_generator.frames import Job, Message, Serve, Stop
from shared.protocol.errors import Unavailable

_PIPE_LIMIT = 1 << 20
_PATIENCE = 10.0


class Ended(Unavailable):
    """A process of the run ended before its time."""

    reason = "process_ended"


class Child:
    """One process.

    Args:
        role: `generate` or `serve`.
        process: The process, its input and output piped.
    """

    def __init__(self, role: str, process: asyncio.subprocess.Process) -> None:
        self.role, self._process = role, process
        self.pid = process.pid
        self.cpu = 0.0

    def tell(self, message: Message) -> None:
        """Send a message; a process that is gone does not hear it."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            frames.write(self._process.stdin, message)

    async def hear(self) -> Message:
        """Return its next message; raises Ended."""
        if self._process.stdout is None:
            raise Ended(f"the process for {self.role} has no output")
        try:
            return await frames.read(self._process.stdout)
        except frames.Closed as error:
            raise Ended(f"the process for {self.role} ended: {error}") from error

    async def end(self) -> None:
        """Let it end, and make it end where it does not."""
        with contextlib.suppress(ConnectionError):
            self.tell(Stop())
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _PATIENCE)
        except TimeoutError:
            # The whole group: who lives on keeps the pipes open, and they would be waited for.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            await self._process.wait()


@contextlib.asynccontextmanager
async def child(role: str, job: Job | Serve) -> AsyncIterator[Child]:
    """Start a process with its job, and end it with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.load_generator",
        role,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_PIPE_LIMIT,
        # Ctrl-C is the coordinator's to hear; it stops the others in order.
        start_new_session=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    started = Child(role, process)
    try:
        started.tell(job)
        yield started
    finally:
        await started.end()
