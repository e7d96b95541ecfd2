"""Signed activities that come in for as long as a fault lasts, and the account of what became of them.

They are sent as servers send: at a rate that does not care how the target is, and what was not taken is sent
again after a growing pause. The load generator's ledger says in the end whether each id answered 202 had its
effect, once.
"""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from services.load_generator import payloads
from services.load_generator.characters import Cast, Character
from services.load_generator.keys import load_ring
from services.load_generator.ledger import Account, Ledger
from services.load_generator.observers import DatabaseObserver
from services.load_generator.population import Population
from services.load_generator.sender import Sender
from services.load_generator.signing import SignedRequest, sign_all
from services.load_generator.simulated_servers import SimulatedServers
from shared.database import load_audit
from shared.database.pool import Pool, create_pool
from shared.protocol.identifiers import uri_hash
from shared.queue import dead_letters
from shared.queue.connection import connect
from tests.faults.figures import Figures
from tests.infrastructure import eventually
from tests.ports import free_port
from tests.sites import NewAccount, Site

HOSTS = 5
CONNECTIONS = 32
LATE = 3600.0
AGAIN = 0.5
LONGEST_PAUSE = 4.0
OUTSTANDING = 90.0
"""Seconds for what is to be sent again once a fault is over."""

INBOUND = ("inbox_receiver", "signature_verifier", "timeline_builder")
_AT_A_TIME = 2000


class Answer(Struct, frozen=True):
    """One answer; the times are on the monotonic clock, status 0 is none."""

    activity_id: str
    status: int
    sent: float
    came: float


@dataclass(kw_only=True)
class Traffic:
    """What is sent to one site, and what it answered.

    Args:
        site: The site.
        population: Who sends.
        account: A local account, which every post names so that each has an effect.
        mention: Its URI.
        pool: The site's database.
        observer: The load generator's eyes on it.
        servers: Where the senders live.
        figures: Where to note how much was sent and what was answered.
    """

    site: Site
    population: Population
    account: NewAccount
    mention: str
    pool: Pool
    observer: DatabaseObserver
    servers: SimulatedServers
    figures: Figures
    doors: list[str] = field(default_factory=lambda: ["inbox_receiver"])
    answers: list[Answer] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _senders: dict[str, Sender] = field(default_factory=dict)

    @property
    def taken(self) -> set[str]:
        """The ids that were answered with 202."""
        return {answer.activity_id for answer in self.answers if answer.status == 202}

    def statuses(self, since: float = 0.0, until: float = float("inf")) -> Counter[int]:
        """Count the answers to what was sent since then, and answered until then."""
        return Counter(
            answer.status for answer in self.answers if answer.sent >= since and answer.came <= until
        )

    async def until_answered(self, status: int, since: float, *, seconds: float = 60.0) -> float:
        """Return how long after that moment something that was sent later was answered so."""

        def first() -> float | None:
            return next((a.came for a in self.answers if a.sent >= since and a.status == status), None)

        await eventually(lambda: first() is not None, f"an answer with {status}", seconds=seconds)
        return (first() or since) - since

    def make(self) -> SignedRequest:
        """Return the signed Create of a new post."""
        number = next(self._numbers)
        actor = self.population.actor(number)
        body = payloads.create(actor, str(number), mention=self.mention)
        identifier = f"{payloads.note_uri(actor, str(number))}/activity"
        (request,) = sign_all(self.population.keys, f"{self.site.origin}/inbox", [(actor, identifier, body)])
        return request

    @contextlib.asynccontextmanager
    async def flowing(self, rate: float) -> AsyncIterator[None]:
        """Send so many new posts a second during a block; returns when every one was taken in the end."""
        enough = asyncio.Event()
        flow = asyncio.create_task(self._flow(rate, enough))
        try:
            yield
            enough.set()
            async with asyncio.timeout(OUTSTANDING):
                await flow
        finally:
            flow.cancel()
            await asyncio.gather(flow, return_exceptions=True)

    async def deliver(self, request: SignedRequest) -> None:
        """Send until it is taken."""
        pause = AGAIN
        while await self.send(request) != 202:
            await asyncio.sleep(pause)  # a server's pause before it tries again
            pause = min(pause * 2, LONGEST_PAUSE)

    async def send(self, request: SignedRequest) -> int:
        """Send once, to one of the doors in turn; returns the status of the answer."""
        self.doors.append(door := self.doors.pop(0))
        begun = time.monotonic()
        sent = await self._sender(door).send(request, begun)
        self.answers.append(Answer(request.activity_id, sent.status, begun, time.monotonic()))
        return sent.status

    async def applied(self, *, seconds: float = 60.0) -> None:
        """Return when everything taken so far has had an effect."""
        missing = self.taken

        async def none_missing() -> bool:
            nonlocal missing
            some = list(missing)[:_AT_A_TIME]
            async with self.pool.acquire() as conn:
                found = await load_audit.claims_of(conn, [uri_hash(one) for one in some])
            missing -= {one.uri for one in found}
            return not missing

        # Not at every moment: thousands are looked up each time, on the machine that is to recover.
        await eventually(none_missing, "every activity to be applied", seconds=seconds, pause=0.1)

    async def audit(self, *, seconds: float = 60.0) -> Account:
        """Draw the account once all is applied; fails where anything was lost, doubled, refused or died."""
        await self.deliver(self.make())
        await self.applied(seconds=seconds)
        ledger = Ledger(late_after=LATE)
        everything = list({answer.activity_id: None for answer in self.answers})
        for identifier in everything:
            ledger.plan(identifier, since=0.0)
        for identifier in self.taken:
            ledger.acknowledge(identifier)
        for start in range(0, len(everything), _AT_A_TIME):
            ledger.seen_all(await self.observer.look(everything[start : start + _AT_A_TIME]))
        findings = await self.observer.confirm(ledger)
        account = ledger.account()
        await self._note(account)
        assert account.clean, account
        # What was answered 503 because nobody knew may have had its effect, too, and was not asked again.
        assert account.settled == account.owed + account.unasked, account
        assert (findings, account.refused) == ([], 0), account
        await self._each_once(account.settled)
        async with connect(self.site.broker_url, "test", []) as broker:
            await broker.wait_until_up()
            assert await dead_letters.counts(broker) == {}
        return account

    async def ready_in(self, queue: str) -> int:
        """Return how many messages wait in a queue, those in work left out."""
        async with connect(self.site.broker_url, "test", []) as broker:
            await broker.wait_until_up()
            channel = await broker.consuming.channel()
            return (await channel.get_queue(queue)).declaration_result.message_count or 0

    async def close(self) -> None:
        """Close the kept connections."""
        for sender in self._senders.values():
            await sender.close()

    async def _flow(self, rate: float, enough: asyncio.Event) -> None:
        begun = time.monotonic()
        async with asyncio.TaskGroup() as deliveries:
            for number in itertools.count():
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
                if enough.is_set():
                    return
                deliveries.create_task(self.deliver(self.make()))

    def _sender(self, door: str) -> Sender:
        if door not in self._senders:
            port = int(self.site.processes[door].listen.rsplit(":", 1)[1])
            self._senders[door] = Sender("127.0.0.1", port, connections=CONNECTIONS)
        return self._senders[door]

    async def _each_once(self, effects: int) -> None:
        for table in ("statuses", "notifications", "claims"):
            found = await self.pool.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
            assert (table, found) == (table, effects)

    async def _note(self, account: Account) -> None:
        answers = self.statuses()
        self.figures.note(
            ids_sent=account.planned,
            taken=account.owed,
            lost=account.lost,
            doubled=account.doubled,
            answered_503=answers[503],
            without_an_answer=answers[0],
        )


@contextlib.asynccontextmanager
async def traffic_to(
    site: Site, figures: Figures, *, services: Sequence[str] = INBOUND, latency: float = 0.0
) -> AsyncIterator[Traffic]:
    """Run services of a site and a simulated fediverse whose actors it knows already.

    Args:
        site: The site; nothing of it runs yet.
        figures: For what is measured.
        services: What runs; a number after a dot makes another replica, `inbox_receiver.1` for instance.
        latency: Seconds that the senders' own servers take for an answer.
    """
    keys = load_ring(Path(site.folder) / "keys", 2)
    population = Population(hosts=HOSTS, actors_per_host=2, port=free_port(), keys=keys)
    servers = SimulatedServers(population, cast=Cast(["all"] * HOSTS, {"all": Character(latency=latency)}))
    async with contextlib.AsyncExitStack() as stack:
        await servers.start()
        stack.push_async_callback(servers.stop)
        stack.push_async_callback(site.stop)
        await site.start(tuple(services))
        ada = await site.account("ada")
        mention = f"{site.origin}/users/{ada.id}"
        pool = await create_pool(site.database_url, max_size=2, application_name="test")
        stack.push_async_callback(pool.close)
        observer = await DatabaseObserver.open(site.database_url, [mention])
        stack.push_async_callback(observer.close)
        traffic = Traffic(
            site=site,
            population=population,
            account=ada,
            mention=mention,
            pool=pool,
            observer=observer,
            servers=servers,
            figures=figures,
        )
        stack.push_async_callback(traffic.close)
        # One of each first: from then on nobody's key has to be fetched.
        await asyncio.gather(*(traffic.deliver(traffic.make()) for _ in range(len(population))))
        await traffic.applied()
        yield traffic
