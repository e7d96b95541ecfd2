"""The console's pages."""

import asyncio

from aiohttp import web
from msgspec import Struct

from services.operator_console.broker import LetterItem, fold_shards, items_of
from services.operator_console.journey import Journey, journey_of
from services.operator_console.web.console import CONSOLE, Console, panel
from services.operator_console.web.rendering import render
from shared.database import console_reads, delivery_reports
from shared.database.console_reads import Backlog, HostReport
from shared.database.delivery_reports import DeliveryReport
from shared.database.refusals import Refusal
from shared.protocol.identifiers import MAX_URI_LENGTH
from shared.queue import dead_letters
from shared.queue.dead_letters import DeadLetter

REFRESH = 5
"""Seconds after which the overview loads itself again."""

_SHOWN = 20
_HOSTS = 500
_LETTERS = 25


class Figures(Struct, frozen=True):
    """What the database says at one moment."""

    backlog: Backlog
    hosts: list[HostReport]
    refusals: list[Refusal]


class HostPage(Struct, frozen=True):
    """A host, and what was given up for it."""

    report: HostReport
    dead: list[DeliveryReport]


class Letter(Struct, frozen=True):
    """A dead letter, and what it carries."""

    letter: DeadLetter
    items: list[LetterItem]


async def overview(request: web.Request) -> web.Response:
    """Answer `GET /`: queues, what waits, hosts in trouble, what was refused."""
    console = request.app[CONSOLE]
    queues, figures = await asyncio.gather(panel(console.queues()), panel(_figures(console)))
    context = {
        "queues": queues,
        "lines": fold_shards(queues.content or []),
        "dead": sum(queue.dead for queue in queues.content or []),
        "figures": figures,
        "refresh": REFRESH,
    }
    return render(request, "overview.html", context)


async def _figures(console: Console) -> Figures:
    async with console.pool.acquire() as conn:
        return Figures(
            await console_reads.backlog(conn),
            await console_reads.hosts_in_order_of_trouble(conn, only_troubled=True, limit=_SHOWN),
            await console_reads.recent_refusals(conn, _SHOWN),
        )


async def hosts(request: web.Request) -> web.Response:
    """Answer `GET /hosts`: every host, those in trouble first."""
    console = request.app[CONSOLE]

    async def read() -> list[HostReport]:
        async with console.pool.acquire() as conn:
            return await console_reads.hosts_in_order_of_trouble(conn, only_troubled=False, limit=_HOSTS)

    return render(request, "hosts.html", {"hosts": await panel(read()), "refresh": REFRESH})


async def host(request: web.Request) -> web.Response:
    """Answer `GET /hosts/{host}`: one host and the deliveries given up for it."""
    console, name = request.app[CONSOLE], request.match_info["host"]

    async def read() -> HostPage | None:
        async with console.pool.acquire() as conn:
            report = await console_reads.host_by_name(conn, name.replace("\0", ""))
            if report is None:
                return None
            return HostPage(
                report, await delivery_reports.dead_deliveries(conn, host=report.host, limit=_SHOWN)
            )

    found = await panel(read())
    if found.content is None and not found.problem:
        raise web.HTTPNotFound
    return render(request, "host.html", {"name": name, "host": found, "refresh": REFRESH})


async def dead(request: web.Request) -> web.Response:
    """Answer `GET /dead`: dead letters by queue; looking takes them out and puts them back, so no refresh."""
    console = request.app[CONSOLE]
    letters = await panel(_letters(console))
    given_up = await panel(_given_up(console))
    return render(request, "dead.html", {"letters": letters, "given_up": given_up, "shown": _LETTERS})


async def _letters(console: Console) -> list[Letter]:
    # Which queues there are, says the management API; how many are dead, only the queues know at once.
    names = [queue.queue for queue in await console.queues()]
    found: list[Letter] = []
    for queue in await dead_letters.counts(console.broker, names):
        letters = await dead_letters.read(console.broker, queue, limit=_LETTERS)
        found += [Letter(letter, items_of(queue, letter.payload)) for letter in letters]
    return found


async def _given_up(console: Console) -> list[DeliveryReport]:
    async with console.pool.acquire() as conn:
        return await delivery_reports.dead_deliveries(conn, limit=_LETTERS)


async def trace(request: web.Request) -> web.Response:
    """Answer `GET /trace?activity=…`: one activity's whole way."""
    console = request.app[CONSOLE]
    wanted = request.query.get("activity", "").strip().replace("\0", "")[:MAX_URI_LENGTH]

    async def read() -> Journey | None:
        if not wanted:
            return None
        async with console.pool.acquire() as conn:
            return await journey_of(conn, wanted)

    return render(request, "trace.html", {"wanted": wanted, "journey": await panel(read())})
