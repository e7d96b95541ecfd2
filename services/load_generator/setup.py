"""Everything a run stands on: the target's people, the simulated servers, observers, samples."""

import asyncio
import contextlib
import os
import ssl
import time
from collections import Counter
from contextlib import AsyncExitStack

from services.load_generator import components
from services.load_generator.account import prepare
from services.load_generator.children import Child, Ended, child
from services.load_generator.fediverse import free_port, is_free
from services.load_generator.frames import Act, Job, Outage, Progress, Ready, Serve
from services.load_generator.live import Progress as Live
from services.load_generator.observers import (
    ArrivalsObserver,
    DatabaseObserver,
    NotificationsObserver,
    Observer,
)
from services.load_generator.options import Options
from services.load_generator.outbound import Followers, OutboundAudit, Publisher
from services.load_generator.plan import LocalPost, Person, Planner, Step
from services.load_generator.population import Population
from services.load_generator.safety import NotAllowed, Place, is_private, locate
from services.load_generator.sampler import Sampler
from services.load_generator.scenario import Scenario, Traffic
from services.load_generator.sender import Sender, closed_loop
from services.load_generator.simulated_servers import Arrived
from services.load_generator.stage import Tools
from services.load_generator.target import NobodyThere, Target, handles
from services.load_generator.wire import undo
from services.load_generator.world import World
from shared.database import load_audit
from shared.database.pool import create_pool, unavailable_when_down
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import uri_hash
from shared.runtime.settings import Settings

_POSTS = 5
_KEYS = "keys"
_UNDO_AT_ONCE = 16


class Setup:
    """What the stages of a run share.

    Args:
        scenario: What is going to happen.
        options: How.
        settings: Of the site under test; without its origin they do not count.
        target: The target, open.
        prefix: Keeps ids apart from those of other runs.
    """

    def __init__(
        self, scenario: Scenario, options: Options, settings: Settings, target: Target, prefix: str
    ) -> None:
        self.scenario, self.options, self.settings = scenario, options, settings
        self.target, self.place, self.prefix = target, target.place, prefix
        self.begun = time.time()
        self.own = settings.origin == self.place.origin
        self.notes: list[str] = []
        self.people: list[Person] = []
        self.posts: list[LocalPost] = []
        self.shared_inbox = ""
        self.observers: list[Observer] = []
        self.audit: OutboundAudit | None = None
        self.servers_busy = 0.0
        self.followed: list[Step] = []
        self._inbox_at = target.place
        self._arrivals = ArrivalsObserver()
        self._followers: Followers | None = None
        self._sender: Sender | None = None
        self.sampler = Sampler({})

    @classmethod
    async def open(
        cls,
        stack: AsyncExitStack,
        scenario: Scenario,
        options: Options,
        settings: Settings,
        *,
        place: Place,
        prefix: str,
    ) -> "Setup":
        """Look at the target and raise the fediverse; all ends with the stack."""
        target = await stack.enter_async_context(Target(place, options.token))
        setup = cls(scenario, options, settings, target, prefix)
        await setup._find_inboxes()
        await setup._find_people()
        await setup._raise_servers(stack)
        await setup._open_observers(stack)
        setup.sampler = await setup._open_sampler(stack)
        return setup

    async def _find_inboxes(self) -> None:
        if self.options.inbox_at:
            place = await locate(self.options.inbox_at)
            if not is_private(place.address):
                raise NotAllowed(f"--inbox-at {self.options.inbox_at}: {place.address} is not private")
            self._inbox_at = place

    async def _find_people(self) -> None:
        names = list(self.options.recipients)
        if not self.target.token and self.own and self.options.own_account and self.settings.secret_key:
            prepared = await prepare(self.settings)
            self.target.token = prepared.token
            names = names or [prepared.name]
            self.notes.append(f"Account: @{prepared.name}, made for load tests")
        if not names and self.target.token:
            names = [(await self.target.myself()).username]
        if not names:
            raise NobodyThere(f"whom to write to? --recipient NAME@{self.place.host} says it")
        for handle in handles(names, self.place):
            person, self.shared_inbox = await self.target.person(handle)
            self.people.append(person)
        if (self.scenario.needs_posts or self.scenario.posts) and not self.target.token:
            raise NobodyThere("this scenario needs posts of the target: give --token of a local account")

    async def _raise_servers(self, stack: AsyncExitStack) -> None:
        options, port = self.options, self.options.port
        if options.style == "name" and not is_free(options.listen, port):
            port = free_port(options.listen)
            self.notes.append(f"Port {options.port} is taken, the simulated servers listen on {port}")
        self.world = World(
            fediverse=self.scenario.fediverse,
            seed=options.seed,
            run=self.prefix,
            keys=str(options.folder / _KEYS),
            port=port,
            dead_port=free_port(options.listen),
            domain=options.domain,
            style=options.style,
            address=options.listen,
            fresh=self.scenario.sends_out,
        )
        self.population: Population = self.world.population()
        self.cast = self.world.cast()
        plain = not self.place.tls
        job = Serve(
            world=self.world,
            keys_of=self.place.origin,
            address=self.place.address if plain else "",
            port=self.place.port if plain else 0,
        )
        self.servers: Child = await stack.enter_async_context(child("serve", job))
        if not isinstance(await self.servers.hear(), Ready):
            raise Ended("the simulated servers did not start")
        listening = asyncio.create_task(self._listen())
        stack.callback(listening.cancel)

    async def _listen(self) -> None:
        """Hand on what arrives; watch how busy the servers are."""
        cpu, at = 0.0, time.monotonic()
        with contextlib.suppress(Ended):
            while True:
                message = await self.servers.hear()
                if not isinstance(message, Progress):
                    continue
                for arrival in message.arrivals:
                    self._arrived(arrival)
                now = time.monotonic()
                if now - at > 1:
                    self.servers_busy = (
                        max(self.servers_busy, (message.cpu - cpu) / (now - at)) if cpu else 0.0
                    )
                    cpu, at = message.cpu, now

    def _arrived(self, arrival: Arrived) -> None:
        if self._followers is not None:
            self._followers.arrived(arrival)
        if self.audit is not None:
            self.audit.arrived(arrival)
        self._arrivals.arrived(arrival)

    async def _open_observers(self, stack: AsyncExitStack) -> None:
        if self.own and self.settings.database_url:
            people = [person.uri for person in self.people]
            self.observers = [await DatabaseObserver.open(self.settings.database_url, people)]
        else:
            self.observers = [self._arrivals]
            if self.target.token:
                seen = NotificationsObserver(self.place.base, self.place.host, self.target.token)
                await seen.begin()
                self.observers.append(seen)
        for observer in self.observers:
            stack.push_async_callback(observer.close)
        self.notes.append(f"Effects are looked for in {', '.join(one.name for one in self.observers)}")

    async def _open_sampler(self, stack: AsyncExitStack) -> Sampler:
        here = self.place.address.startswith("127.") or self.place.address == "::1"
        pids = components.discover(self.place.origin, os.environ if self.own else {}) if here else {}
        broker = self.settings.broker_url if self.own else ""
        sampler = Sampler(pids, broker, self.settings.broker_management_url)
        await sampler.open()
        stack.push_async_callback(sampler.close)
        if pids:
            self.notes.append(f"CPU and memory are read of {', '.join(sorted(pids))}")
        return sampler

    async def raise_posts(self) -> None:
        """Make what the scenario needs before it begins: posts to react to, followers to send to."""
        if self.scenario.needs_posts:
            self.posts = await self.target.posts(self.people[0], _POSTS)
        if self.scenario.posts is not None:
            # Followers are those of the account that posts, whoever else is written to.
            owner = (await self.target.myself()).username
            person, _ = await self.target.person(handles([owner], self.place)[0])
            self._followers = Followers(self.population, self.scenario.posts.followers, person, self.prefix)
            await self._followers.follow(self._open_sender())
            self.notes.append(f"{len(self._followers.actors)} servers follow @{owner}")

    def begin_acting(self) -> None:
        """From now on the simulated servers behave as their characters say."""
        self.servers.tell(Act())

    async def clean_up(self) -> None:
        """Take every Follow back: later posts must not go to servers that are no more."""
        with contextlib.suppress(Rejected, Unavailable):
            if self._followers is not None:
                await self._followers.unfollow(self._open_sender())
            if self.followed:
                undone = [undo(self.population.keys, step) for step in self.followed]
                await closed_loop(self._open_sender(), undone, _UNDO_AT_ONCE)
        if self._sender is not None:
            await self._sender.close()

    def _open_sender(self) -> Sender:
        if self._sender is None:
            to = self._inbox_at
            self._sender = Sender(
                to.address,
                to.port,
                connections=_UNDO_AT_ONCE,
                tls=ssl.create_default_context() if to.tls else None,
                tls_name=to.name,
            )
        return self._sender

    def planner(self, traffic: Traffic, stage: int) -> Planner:
        """Return the planner of a stage; each stage has a seed of its own."""
        return Planner(
            traffic,
            self.population,
            self.cast,
            people=self.people,
            posts=self.posts,
            shared_inbox=self.shared_inbox,
            seed=self.options.seed * 1000 + stage,
            begun=self.begun,
        )

    def jobs(self, traffic: Traffic, prefix: str, stage: int, roll_call: float = 0.0) -> list[Job]:
        """Return what each generator process has to do."""
        to = self._inbox_at
        return [
            Job(
                world=self.world,
                traffic=traffic,
                seed=self.options.seed * 1000 + stage,
                begun=self.begun,
                prefix=prefix,
                people=self.people,
                posts=self.posts,
                shared_inbox=self.shared_inbox,
                address=to.address,
                port=to.port,
                tls_name=to.name if to.tls else "",
                part=part,
                parts=self.options.generators,
                signers=self.options.signers,
                roll_call=roll_call,
            )
            for part in range(self.options.generators)
        ]

    def tools(self, live: Live) -> Tools:
        """Return what a stage works with."""
        scenario = self.scenario
        self.audit = None
        if scenario.sends_out:
            self.audit = OutboundAudit(
                self.cast,
                self.population,
                late_after=scenario.late_after,
                patient=scenario.outage is not None,
            )
        return Tools(self.observers, self.sampler, self.audit, self.servers, live.show, self._slow)

    def _slow(self, host: str) -> bool:
        number = self.population.host_number(host)
        return number is not None and self.cast.of(number).slow

    def publisher(self) -> Publisher | None:
        """Return who posts, where the scenario has posts."""
        if self.scenario.posts is None or self.audit is None or self._followers is None:
            return None
        hosts = [actor.host for actor in self._followers.actors]
        return Publisher(self.target, self.scenario.posts, self.audit, hosts, seed=self.options.seed)

    async def outage(self) -> None:
        """Let servers fail for the time that the scenario says."""
        outage = self.scenario.outage
        if outage is None:
            return
        await asyncio.sleep(outage.start)
        self.servers.tell(Outage(share=outage.share))
        await asyncio.sleep(outage.seconds)
        self.servers.tell(Outage(share=0.0))

    async def settle_deliveries(self, publisher: Publisher | None) -> dict[str, int]:
        """Ask the target what it says of its deliveries; excuse those under way, count them by state."""
        states = await self._delivery_states(publisher)
        if self.audit is not None:
            self.audit.excuse(states)
        return dict(Counter((states or {}).values()))

    async def _delivery_states(self, publisher: Publisher | None) -> dict[tuple[str, str], str] | None:
        if publisher is None or not (self.own and self.settings.database_url):
            return None
        hashes = [uri_hash(f"{uri}{form}") for uri in publisher.uris for form in ("/activity", "#delete")]
        pool = await create_pool(self.settings.database_url, max_size=1, application_name="heddle-load")
        try:
            with unavailable_when_down():
                async with pool.acquire() as conn:
                    return await load_audit.delivery_states(conn, hashes)
        finally:
            await pool.close()

    @property
    def followers(self) -> int:
        """How many servers follow the account that posts."""
        return len(self._followers.actors) if self._followers else 0
