"""The simulated fediverse as a process of its own, so that its work is not the generator's."""

import asyncio
import contextlib
import socket
import time

import uvloop

from services.load_generator import frames
from services.load_generator.frames import Act, Done, Outage, Progress, Ready, Serve, Stop
from services.load_generator.inspection import Inspector
from services.load_generator.simulated_servers import Arrived, SimulatedServers

_REPORT_EVERY = 0.2


class Fediverse:
    """The servers, and a word about what arrived several times a second.

    Args:
        job: Who is served, and whose signatures are verified.
        tell: Takes the words to the coordinator.
    """

    def __init__(self, job: Serve, tell: asyncio.StreamWriter) -> None:
        self._tell = tell
        self._world = job.world
        population = job.world.population()
        address = f"{job.address}:{job.port}" if job.address else ""
        self._arrivals: list[Arrived] = []
        self.servers = SimulatedServers(
            population,
            on_arrival=self._arrived,
            cast=job.world.cast(),
            inspector=Inspector(population, job.keys_of, address),
            verify=job.world.fediverse.verify,
            seed=job.world.seed,
            acting=False,
        )

    def _arrived(self, arrived: Arrived) -> None:
        self._arrivals.append(arrived)

    async def start(self) -> None:
        """Listen, and say so."""
        await self.servers.start(self._world.address)
        frames.write(self._tell, Ready())

    async def report(self) -> None:
        """Tell what arrived until cancelled."""
        while True:
            await asyncio.sleep(_REPORT_EVERY)
            self.say()

    def say(self) -> None:
        """Tell what arrived since the last word."""
        arrivals = self._arrivals[:]
        self._arrivals.clear()
        requests = dict(self.servers.requests)
        frames.write(self._tell, Progress(arrivals=arrivals, requests=requests, cpu=time.process_time()))


async def _main() -> None:
    orders, tell = await frames.standard_streams()
    job = await frames.expect(orders, Serve)
    fediverse = Fediverse(job, tell)
    await fediverse.start()
    reporting = asyncio.create_task(fediverse.report())
    await _obey(orders, fediverse)
    reporting.cancel()
    await fediverse.servers.stop()
    fediverse.say()
    frames.write(tell, Done())
    await tell.drain()


async def _obey(orders: asyncio.StreamReader, fediverse: Fediverse) -> None:
    with contextlib.suppress(frames.Closed):
        while True:
            order = await frames.read(orders)
            if isinstance(order, Stop):
                return
            if isinstance(order, Act):
                await fediverse.servers.act()
            elif isinstance(order, Outage):
                fediverse.servers.break_down(order.share)


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def is_free(address: str, port: int) -> bool:
    """Tell whether a port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def main() -> None:
    """Run the simulated fediverse for a coordinator."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main())
