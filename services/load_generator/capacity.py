"""What the generator itself can do: its sender and its simulated servers, each held against its promise.

Both are measured on one core each, against a counterpart that does next to nothing.
"""

import asyncio
import multiprocessing
import os
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import uvloop
from aiohttp import web
from msgspec import Struct
from rich.console import Console

from services.load_generator import payloads
from services.load_generator.fediverse import free_port
from services.load_generator.keys import load_ring
from services.load_generator.population import Population
from services.load_generator.sender import Sender, closed_loop, open_loop
from services.load_generator.signing import SignedRequest, sign_post
from services.load_generator.simulated_servers import SimulatedServers
from services.load_generator.world import KEYS

PROMISED_REQUESTS, PROMISED_DELIVERIES = 3000.0, 5000.0
_CONNECTIONS = 32
_SIGNED = 500
_HOSTS = 1000
_ON_TIME = 0.97


class Capacity(Struct, frozen=True, kw_only=True):
    """What was seen in requests per second, and what one of them costs, in microseconds of CPU.

    The seen rates depend on what else the machine does; what a core can do follows from the cost.
    `offered` is an open loop at the promised rate: how many left a second, and the p99 of their lateness.
    """

    requests: float
    request_cpu: float
    offered: float
    offered_late_p99: float
    deliveries: float
    delivery_cpu: float

    @property
    def enough(self) -> bool:
        """Whether both promises are kept."""
        return (
            _by_core(self.request_cpu) >= PROMISED_REQUESTS
            and self.offered >= PROMISED_REQUESTS * _ON_TIME
            and _by_core(self.delivery_cpu) >= PROMISED_DELIVERIES
        )


def _by_core(micros: float) -> float:
    return 1e6 / micros


def measure_capacity(keys: Path, *, seconds: float, as_json: bool, console: Console) -> bool:
    """Measure, print, and return whether it is enough."""
    found = _measure(keys, free_port(), seconds)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        console.print(
            f"Sending: {found.request_cpu:.0f} µs a signed request, so {_by_core(found.request_cpu):.0f}/s "
            f"by one core (promised {PROMISED_REQUESTS:.0f}); seen: {found.requests:.0f}/s",
            f"\nAn open loop of {PROMISED_REQUESTS:.0f}/s: {found.offered:.0f}/s left, "
            f"p99 {found.offered_late_p99 * 1000:.1f} ms late",
            f"\nTaking in: {found.delivery_cpu:.0f} µs a delivery, so {_by_core(found.delivery_cpu):.0f}/s "
            f"by one core (promised {PROMISED_DELIVERIES:.0f}); seen: {found.deliveries:.0f}/s",
            highlight=False,
        )
    return found.enough


def _population(keys: Path, port: int) -> Population:
    return Population(hosts=_HOSTS, actors_per_host=1, port=port, keys=load_ring(keys, KEYS))


def _measure(keys: Path, port: int, seconds: float) -> Capacity:
    requests = _requests(_population(keys, port))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    peer = context.Process(target=_null_target, args=(port, theirs), daemon=True)
    peer.start()
    ours.recv()
    sent, cpu = uvloop.run(_send(port, requests, seconds))
    offered, late = uvloop.run(_offer(port, requests, seconds))
    ours.send(None)
    peer.join()
    sink = context.Process(target=_sink, args=(keys, port, theirs), daemon=True)
    sink.start()
    ours.recv()
    taken, _ = uvloop.run(_send(port, requests, seconds))
    ours.send(None)
    sink_cpu, sink_count = ours.recv()
    sink.join()
    return Capacity(
        requests=sent,
        request_cpu=cpu,
        offered=offered,
        offered_late_p99=late,
        deliveries=taken,
        delivery_cpu=sink_cpu / max(1, sink_count) * 1e6,
    )


def _requests(population: Population) -> list[SignedRequest]:
    made = []
    for number in range(_SIGNED):
        actor = population.actor(number)
        inbox = f"http://{population.host(number * 7)}/inbox"
        body = payloads.create(actor, str(number))
        made.append(sign_post(population.keys, actor, inbox, f"{actor.uri}#{number}", body))
    return made


async def _send(port: int, requests: list[SignedRequest], seconds: float) -> tuple[float, float]:
    sender = Sender("127.0.0.1", port, connections=_CONNECTIONS)
    await closed_loop(sender, requests, _CONNECTIONS)  # opens the connections
    count, begun, cpu = 0, time.monotonic(), time.process_time()
    while time.monotonic() - begun < seconds:
        count += len(await closed_loop(sender, requests, _CONNECTIONS))
    passed, used = time.monotonic() - begun, time.process_time() - cpu
    await sender.close()
    return count / passed, used / count * 1e6


async def _offer(port: int, requests: list[SignedRequest], seconds: float) -> tuple[float, float]:
    sender = Sender("127.0.0.1", port, connections=_CONNECTIONS * 4)
    total = int(PROMISED_REQUESTS * seconds)
    many = [requests[number % len(requests)] for number in range(total)]
    begun = time.monotonic()
    sent = await open_loop(sender, many, [number / PROMISED_REQUESTS for number in range(total)])
    late = sorted(one.late for one in sent)
    await sender.close()
    last = max(one.scheduled + one.late for one in sent) - begun
    return total / max(last, seconds), late[int(len(late) * 0.99)]


def _null_target(port: int, pipe: Connection) -> None:
    """Answer everything with 202, with as little work as an HTTP server needs."""
    uvloop.run(_serve_nothing(port, pipe))


async def _serve_nothing(port: int, pipe: Connection) -> None:
    async def accept(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        return web.Response(status=202)

    runner = web.ServerRunner(web.Server(accept, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    pipe.send(os.getpid())
    await asyncio.to_thread(pipe.recv)
    await runner.cleanup()


def _sink(keys: Path, port: int, pipe: Connection) -> None:
    uvloop.run(_serve_sink(_population(keys, port), pipe))


async def _serve_sink(population: Population, pipe: Connection) -> None:
    count = 0

    def arrived(_: object) -> None:
        nonlocal count
        count += 1

    servers = SimulatedServers(population, on_arrival=arrived)
    await servers.start()
    begun = time.process_time()
    pipe.send(os.getpid())
    await asyncio.to_thread(pipe.recv)
    pipe.send((time.process_time() - begun, count))
    await servers.stop()
