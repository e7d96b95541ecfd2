"""A signed Create with five local followers, from the socket to the commit."""

import itertools

from services.load_generator import payloads
from services.load_generator.sender import Sender, closed_loop, statuses
from services.load_generator.signing import SignedRequest, sign_all
from tests.bench.accounting import Cost, Meter
from tests.bench.registry import Case
from tests.bench.surroundings import Surroundings, surroundings
from tests.infrastructure import Infrastructure, eventually

ACTORS = 50
FOLLOWERS = 5
CONNECTIONS = 128

_numbers = itertools.count()


def _creates(around: Surroundings, count: int) -> list[SignedRequest]:
    population, made = around.population, []
    for number in itertools.islice(_numbers, count):
        actor = population.actor(number)
        note = f"{actor.uri}/statuses/{number}"
        made.append((actor, f"{note}/activity", payloads.create(actor, str(number))))
    return sign_all(population.keys, f"{around.site.origin}/inbox", made)


async def _send(around: Surroundings, requests: list[SignedRequest]) -> None:
    listen = around.site.processes["inbox_receiver"].listen
    sender = Sender("127.0.0.1", int(listen.rsplit(":", 1)[1]), connections=CONNECTIONS)
    before = await _applied(around)
    sent = await closed_loop(sender, requests, CONNECTIONS)
    await sender.close()
    answers = statuses(sent)
    if set(answers) != {202}:
        raise SystemExit(f"the receiver answered {dict(answers)}")

    async def all_applied() -> bool:
        return await _applied(around) - before == len(requests)

    await eventually(all_applied, "all activities to be applied", seconds=120)


async def _applied(around: Surroundings) -> int:
    return int(await around.connection.fetchval("SELECT count(*) FROM claims"))


async def _let_locals_follow(around: Surroundings) -> None:
    for number in range(FOLLOWERS):
        await around.site.account(f"local{number}")
    await around.connection.execute(
        """INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id)
           SELECT a.actor_id, r.id, 1, format('bench:%s:%s', a.actor_id, r.id),
                  substring(sha256(format('bench:%s:%s', a.actor_id, r.id)::bytea) for 16),
                  row_number() OVER ()
           FROM accounts a JOIN actors l ON l.id = a.actor_id AND l.kind = 0
           CROSS JOIN actors r WHERE NOT r.local"""
    )


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Cost]:
    """Return the cost of each run."""
    costs = []
    async with surroundings(infrastructure, hosts=10, actors_per_host=ACTORS // 10) as around:
        await _send(around, _creates(around, ACTORS))
        await _let_locals_follow(around)
        await _send(around, _creates(around, 500))
        for _ in range(runs):
            requests = _creates(around, items)
            meter = Meter(around.pids)
            await _send(around, requests)
            costs.append(meter.cost(items))
    return costs


CASE = Case(name="inbound", title="Create with 5 local followers, 202 to commit", measure=measure, order=10)
