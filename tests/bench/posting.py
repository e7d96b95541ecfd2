"""Posting signed activities to a site's inbox, and waiting until all of them are applied."""

from collections.abc import Callable, Iterable

from services.load_generator.population import SimulatedActor
from services.load_generator.sender import Sender, closed_loop, statuses
from services.load_generator.signing import SignedRequest, sign_all
from tests.bench.accounting import Cost, Meter
from tests.bench.surroundings import Surroundings
from tests.infrastructure import eventually

CONNECTIONS = 128
PATIENCE = 180.0
"""Seconds for the last one to be applied."""

LOOK = 0.1
"""Seconds between two looks: a look is work of the database's, too."""

Activity = tuple[SimulatedActor, str, bytes]
"""Who sends, the activity's id, its wire form."""


def signed(around: Surroundings, activities: Iterable[Activity]) -> list[SignedRequest]:
    """Return these activities as requests to the shared inbox."""
    return sign_all(around.population.keys, f"{around.site.origin}/inbox", list(activities))


async def send(around: Surroundings, requests: list[SignedRequest]) -> None:
    """Post everything, and return when it is applied."""
    listen = around.site.processes["inbox_receiver"].listen
    sender = Sender("127.0.0.1", int(listen.rsplit(":", 1)[1]), connections=CONNECTIONS)
    before = await _applied(around)
    sent = await closed_loop(sender, requests, CONNECTIONS)
    await sender.close()
    answers = statuses(sent)
    if set(answers) != {202}:
        raise SystemExit(f"the receiver answered {dict(answers)}")

    async def all_applied() -> bool:
        return await _applied(around) - before >= len(requests)

    await eventually(all_applied, "all activities to be applied", seconds=PATIENCE, pause=LOOK)


async def costs(
    around: Surroundings, make: Callable[[int], Iterable[Activity]], *, items: int, runs: int
) -> list[Cost]:
    """Return what each run costs; signing does not count.

    Args:
        around: Where.
        make: Returns so many new activities.
        items: Activities a run.
        runs: How often.
    """
    found = []
    for _ in range(runs):
        requests = signed(around, make(items))
        meter = Meter(around.pids)
        await send(around, requests)
        found.append(meter.cost(items))
    return found


async def _applied(around: Surroundings) -> int:
    return int(await around.connection.fetchval("SELECT count(*) FROM claims"))
