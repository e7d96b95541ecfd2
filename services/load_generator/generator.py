"""One generator process: signs its part of the plan ahead, sends each request at its time, tells how it went.

It is started by the coordinator and speaks with it over its standard input and output (`frames`).
"""

import asyncio
import contextlib
import gc
import ssl
import time

import uvloop

from services.load_generator import frames
from services.load_generator.frames import Done, Job, Outcome, Progress, Ready, Start, Stop
from services.load_generator.plan import Planner, Step
from services.load_generator.sender import Sender
from services.load_generator.signing import SignedRequest
from services.load_generator.signing_pool import SigningPool

_REPORT_EVERY = 0.25
_LOOK_UP = 0.2
_AT_ONCE = 32
_GRACE = 3.0
"""Seconds for what is in flight when the run is stopped."""


class Generator:
    """Sends its part of a plan.

    Args:
        job: What to send, and where.
        tell: Takes the words to the coordinator.
    """

    def __init__(self, job: Job, tell: asyncio.StreamWriter) -> None:
        self._tell = tell
        self._steps = _part(job)
        self._pool = SigningPool(job.world, self._steps, processes=job.signers, ahead=job.ahead)
        secure = ssl.create_default_context() if job.tls_name else None
        self._sender = Sender(
            job.address,
            job.port,
            connections=max(1, job.traffic.connections // job.parts),
            tls=secure,
            tls_name=job.tls_name,
        )
        self._outcomes: list[Outcome] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def prepare(self) -> None:
        """Sign ahead and say that this process is ready."""
        await self._pool.fill()
        # No collection may fall into the run: what lives now stays, what comes is small.
        gc.collect()
        gc.freeze()
        frames.write(self._tell, Ready(planned=len(self._steps)))

    async def run(self, start: float) -> None:
        """Send everything from this time on, wait for the answers, tell all."""
        reporting = asyncio.create_task(self._report())
        await self._send_all(start)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_GRACE if self._stopping else None)
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
        self._say()
        frames.write(self._tell, Done())
        await self._pool.close()
        await self._sender.close()

    def stop(self) -> None:
        """Send nothing more."""
        self._stopping = True

    async def _send_all(self, start: float) -> None:
        at_once = 0
        for step in self._steps:
            due = start + step.at
            while (pause := due - time.monotonic()) > 0 and not self._stopping:
                at_once = 0
                await asyncio.sleep(min(pause, _LOOK_UP))
            if self._stopping:
                return
            request = await self._pool.take()
            task = asyncio.create_task(self._send(step, request, due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            at_once += 1
            if at_once % _AT_ONCE == 0:
                await asyncio.sleep(0)  # what is behind must not keep the answers from being read

    async def _send(self, step: Step, request: SignedRequest, due: float) -> None:
        late = time.monotonic() - due
        sent = await self._sender.send(request, due)
        self._outcomes.append(Outcome(step.index, sent.status, due, sent.seconds, max(0.0, late)))

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_EVERY)
            self._say()

    def _say(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        frames.write(
            self._tell,
            Progress(
                outcomes=outcomes,
                cpu=time.process_time(),
                starved=self._pool.starved,
                in_flight=len(self._tasks),
            ),
        )


def _part(job: Job) -> list[Step]:
    planner = Planner(
        job.traffic,
        job.world.population(),
        job.world.cast(),
        people=job.people,
        posts=job.posts,
        shared_inbox=job.shared_inbox,
        seed=job.seed,
        begun=job.begun,
    )
    steps = planner.roll_call(job.prefix, job.roll_call) if job.roll_call else planner.steps(job.prefix)
    return steps[job.part :: job.parts]


async def _main() -> None:
    orders, tell = await frames.standard_streams()
    job = await frames.expect(orders, Job)
    generator = Generator(job, tell)
    await generator.prepare()
    try:
        start = await frames.expect(orders, Start)
    except frames.Closed:
        return
    listening = asyncio.create_task(_listen(orders, generator))
    await generator.run(start.at)
    listening.cancel()
    await tell.drain()


async def _listen(orders: asyncio.StreamReader, generator: Generator) -> None:
    with contextlib.suppress(frames.Closed):
        await frames.expect(orders, Stop)
    generator.stop()


def main() -> None:
    """Run one generator process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main())
