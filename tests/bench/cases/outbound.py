"""A public post to followers on many servers: one signed POST to each, over kept connections."""

import asyncio

from services.load_generator import payloads
from services.load_generator.sender import Sender, closed_loop, statuses
from services.load_generator.signing import sign_all
from tests.bench.accounting import Cost, Meter
from tests.bench.registry import Case
from tests.bench.surroundings import Surroundings, post, surroundings
from tests.infrastructure import Infrastructure

HOSTS = 300


async def _let_all_follow(around: Surroundings, target: str) -> None:
    population = around.population
    made = []
    for number in range(HOSTS):
        actor = population.actor(number)
        made.append((actor, f"{actor.uri}#follows/{number}", payloads.follow(actor, str(number), target)))
    requests = sign_all(population.keys, f"{target}/inbox", made)
    listen = around.site.processes["inbox_receiver"].listen
    sender = Sender("127.0.0.1", int(listen.rsplit(":", 1)[1]), connections=16)
    sent = await closed_loop(sender, requests, 16)
    await sender.close()
    if set(statuses(sent)) != {202}:
        raise SystemExit(f"the receiver answered {dict(statuses(sent))}")
    await _until(around, "Accept", HOSTS)


async def _until(around: Surroundings, kind: str, count: int) -> None:
    def reached() -> bool:
        return sum(one.type == kind for one in around.servers.arrived) >= count

    await around.servers.wait_until(reached, seconds=180)


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Cost]:
    """Return the cost of each run; an item is a delivery."""
    costs = []
    posts = max(1, items // HOSTS)
    async with surroundings(infrastructure, hosts=HOSTS, actors_per_host=1) as around:
        ada = await around.site.account("ada")
        await _let_all_follow(around, f"{around.site.origin}/users/{ada.id}")
        for run in range(runs + 1):
            before = sum(one.type == "Create" for one in around.servers.arrived)
            meter = Meter(around.pids)
            await asyncio.gather(
                *(post(around.site, ada.access_token, f"Run {run}, post {number}") for number in range(posts))
            )
            await _until(around, "Create", before + posts * HOSTS)
            if run:  # the first one opens the connections
                costs.append(meter.cost(posts * HOSTS))
    return costs


CASE = Case(name="outbound", title="delivery to a distinct host, warm, RSA-2048", measure=measure, order=20)
