"""The simulated fediverse of one run: raised as a process of its own, listened to, told how to behave."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack

from services.load_generator.children import Child, Ended, child
from services.load_generator.fediverse import free_port, is_free
from services.load_generator.frames import Act, Outage, Progress, Ready, Serve
from services.load_generator.options import Options
from services.load_generator.safety import Place
from services.load_generator.scenario import Outage as PlannedOutage
from services.load_generator.scenario import Scenario
from services.load_generator.simulated_servers import Arrived
from services.load_generator.world import World

_KEYS = "keys"


class Neighbourhood:
    """What the coordinator knows of the servers.

    Args:
        world: Who lives there.
        servers: Their process.
        arrived: Is told of every activity that reached one of them.
    """

    def __init__(self, world: World, servers: Child, arrived: Callable[[Arrived], None]) -> None:
        self.world, self.population, self.cast = world, world.population(), world.cast()
        self.busiest = 0.0
        self._servers, self._arrived = servers, arrived
        self._listening = asyncio.create_task(self._listen())

    def slow(self, host: str) -> bool:
        """Tell whether a server takes its time."""
        number = self.population.host_number(host)
        return number is not None and self.cast.of(number).slow

    def act(self) -> None:
        """From now on the servers behave as their characters say."""
        self._servers.tell(Act())

    async def suffer(self, outage: PlannedOutage | None) -> None:
        """Let servers fail for the time that the scenario says."""
        if outage is None:
            return
        await asyncio.sleep(outage.start)
        self._servers.tell(Outage(share=outage.share))
        await asyncio.sleep(outage.seconds)
        self._servers.tell(Outage(share=0.0))

    async def during(self, work: Coroutine[None, None, None]) -> None:
        """Do something while the servers live; raises Ended where they die before it is done."""
        working = asyncio.create_task(work)
        try:
            await asyncio.wait([working, self._listening], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                self._listening.result()
            await working
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def close(self) -> None:
        """Listen no more."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        """Hand on what arrives, and watch how busy the process is; raises Ended."""
        cpu, at = 0.0, time.monotonic()
        while True:
            message = await self._servers.hear()
            if not isinstance(message, Progress):
                continue
            for arrival in message.arrivals:
                self._arrived(arrival)
            now = time.monotonic()
            if now - at > 1:
                # Of the first second nothing is known: the process has only begun.
                self.busiest = max(self.busiest, (message.cpu - cpu) / (now - at)) if cpu else 0.0
                cpu, at = message.cpu, now


async def raise_neighbourhood(
    stack: AsyncExitStack,
    scenario: Scenario,
    options: Options,
    *,
    place: Place,
    run: str,
    arrived: Callable[[Arrived], None],
    say: Callable[[str], None],
) -> Neighbourhood:
    """Start the servers of a run; they end with the stack. Raises Ended where they do not start."""
    port = options.port
    if options.style == "name" and not is_free(options.listen, port):
        port = free_port(options.listen)
        say(f"Port {options.port} is taken, the simulated servers listen on {port}")
    world = World(
        fediverse=scenario.fediverse,
        seed=options.seed,
        run=run,
        keys=str(options.folder / _KEYS),
        port=port,
        dead_port=free_port(options.listen),
        domain=options.domain,
        style=options.style,
        address=options.listen,
        fresh=scenario.sends_out,
    )
    world.ring()  # made here, where nobody else makes them at the same time
    plain = not place.tls
    job = Serve(
        world=world,
        keys_of=place.origin,
        address=place.address if plain else "",
        port=place.port if plain else 0,
    )
    servers = await stack.enter_async_context(child("serve", job))
    if not isinstance(await servers.hear(), Ready):
        raise Ended("the simulated servers did not start")
    found = Neighbourhood(world, servers, arrived)
    stack.push_async_callback(found.close)
    return found
