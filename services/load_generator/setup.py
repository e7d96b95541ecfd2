"""Everything that the stages of a run share: the target, the simulated servers, who looks, who follows."""

import contextlib
import ssl
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack

from services.load_generator.frames import Job
from services.load_generator.live import Progress as Live
from services.load_generator.neighbourhood import Neighbourhood, raise_neighbourhood
from services.load_generator.observation import delivery_states, open_observers, open_sampler
from services.load_generator.observers import ArrivalsObserver, Observer
from services.load_generator.options import Options
from services.load_generator.outbound import Followers, OutboundAudit, Publisher
from services.load_generator.plan import LocalPost, Planner, Step
from services.load_generator.recipients import Recipients, find_recipients
from services.load_generator.safety import NotAllowed, Place, is_private, locate
from services.load_generator.sampler import Sampler
from services.load_generator.scenario import Scenario, Traffic
from services.load_generator.sender import Sender, closed_loop
from services.load_generator.simulated_servers import Arrived
from services.load_generator.stage import Tools
from services.load_generator.target import Target, handles
from services.load_generator.wire import undo
from shared.protocol.errors import Rejected, Unavailable
from shared.runtime.settings import Settings

_POSTS = 5
_UNDO_AT_ONCE = 16


class Setup:
    """What the stages of a run share.

    Args:
        scenario: What is going to happen.
        options: How.
        settings: Of the site under test, None where it is not ours.
        target: The target, open.
        inbox_at: Where its inboxes are sent to.
        prefix: Keeps ids apart from those of other runs.
    """

    neighbourhood: Neighbourhood
    recipients: Recipients
    sampler: Sampler

    def __init__(
        self,
        scenario: Scenario,
        options: Options,
        settings: Settings | None,
        target: Target,
        *,
        inbox_at: Place,
        prefix: str,
    ) -> None:
        self.scenario, self.options, self._settings = scenario, options, settings
        self._target, self._prefix = target, prefix
        self._begun = time.time()
        self.notes: list[str] = []
        self._posts: list[LocalPost] = []
        self.observers: Sequence[Observer] = ()
        self.audit: OutboundAudit | None = None
        self.followed: list[Step] = []
        self._inbox_at = inbox_at
        self._arrivals = ArrivalsObserver()
        self._followers: Followers | None = None
        self._sender: Sender | None = None

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
        own = settings if settings.origin == place.origin else None
        inbox_at = await _inbox_at(options, place)
        setup = cls(scenario, options, own, target, inbox_at=inbox_at, prefix=prefix)
        say = setup.notes.append
        setup.recipients = await find_recipients(target, scenario, options, own, say)
        setup.neighbourhood = await raise_neighbourhood(
            stack, scenario, options, place=place, run=prefix, arrived=setup._arrived, say=say
        )
        people = setup.recipients.people
        setup.observers = await open_observers(stack, target, people, setup._arrivals, own)
        say(f"Effects are looked for in {', '.join(one.name for one in setup.observers)}")
        setup.sampler, components = await open_sampler(stack, place, own)
        if components:
            say(f"CPU and memory are read of {', '.join(components)}")
        return setup

    def _arrived(self, arrival: Arrived) -> None:
        if self._followers is not None:
            self._followers.arrived(arrival)
        if self.audit is not None:
            self.audit.arrived(arrival)
        self._arrivals.arrived(arrival)

    async def raise_posts(self) -> None:
        """Make what the scenario needs before it begins: posts to react to, followers to send to."""
        if self.scenario.needs_posts:
            self._posts = await self._target.posts(self.recipients.people[0], _POSTS)
        if self.scenario.posts is not None:
            # Followers are those of the account that posts, whoever else is written to.
            owner = (await self._target.myself()).username
            person, _ = await self._target.person(handles([owner], self._target.place)[0])
            population, count = self.neighbourhood.population, self.scenario.posts.followers
            self._followers = Followers(population, count, person, self._prefix)
            await self._followers.follow(self._open_sender())
            self.notes.append(f"{count} servers follow @{owner}")

    async def clean_up(self) -> None:
        """Take every Follow back: later posts must not go to servers that are no more."""
        with contextlib.suppress(Rejected, Unavailable):
            if self._followers is not None:
                await self._followers.unfollow(self._open_sender())
            if self.followed:
                undone = [undo(self.neighbourhood.population.keys, step) for step in self.followed]
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

    def _seed(self, stage: int) -> int:
        """Return the seed of a stage: each has its own."""
        return self.options.seed * 1000 + stage

    def planner(self, traffic: Traffic, stage: int) -> Planner:
        """Return the planner of a stage."""
        return Planner(
            traffic,
            self.neighbourhood.population,
            self.neighbourhood.cast,
            people=self.recipients.people,
            posts=self._posts,
            shared_inbox=self.recipients.shared_inbox,
            seed=self._seed(stage),
            begun=self._begun,
        )

    def jobs(self, traffic: Traffic, prefix: str, stage: int, roll_call: float = 0.0) -> list[Job]:
        """Return what each generator process has to do."""
        to = self._inbox_at
        return [
            Job(
                world=self.neighbourhood.world,
                traffic=traffic,
                seed=self._seed(stage),
                begun=self._begun,
                prefix=prefix,
                people=self.recipients.people,
                posts=self._posts,
                shared_inbox=self.recipients.shared_inbox,
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
        scenario, around = self.scenario, self.neighbourhood
        self.audit = None
        if scenario.sends_out:
            self.audit = OutboundAudit(
                around.cast,
                around.population,
                late_after=scenario.late_after,
                patient=scenario.outage is not None,
            )
        return Tools(self.observers, self.sampler, self.audit, live.show, around.slow)

    def publisher(self) -> Publisher | None:
        """Return who posts, where the scenario has posts."""
        if self.scenario.posts is None or self.audit is None or self._followers is None:
            return None
        hosts = [actor.host for actor in self._followers.actors]
        return Publisher(self._target, self.scenario.posts, self.audit, hosts, seed=self.options.seed)

    async def settle_deliveries(self, publisher: Publisher | None, *, stopped: bool) -> dict[str, int]:
        """Ask the target what it says of its deliveries; excuse those under way, count them by state."""
        states = await delivery_states(self._settings, publisher.uris) if publisher else None
        if self.audit is not None:
            self.audit.excuse(states)
            if stopped:
                self.audit.ledger.wait_for_all()
        return dict(Counter((states or {}).values()))

    @property
    def followers(self) -> int:
        """How many servers follow the account that posts."""
        return len(self._followers.actors) if self._followers else 0


async def _inbox_at(options: Options, place: Place) -> Place:
    """Return where to send to inboxes; raises NotAllowed for another place that is not private."""
    if not options.inbox_at:
        return place
    found = await locate(options.inbox_at)
    if not is_private(found.address):
        raise NotAllowed(f"--inbox-at {options.inbox_at}: {found.address} is not private")
    return found
