"""The other direction: servers follow a local account, it posts, and each post is awaited at each of them."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from services.load_generator import payloads
from services.load_generator.characters import Cast
from services.load_generator.ledger import Effect, Ledger
from services.load_generator.plan import Person, Step
from services.load_generator.population import Population, SimulatedActor
from services.load_generator.results import Latency, Outbound
from services.load_generator.safety import Unreachable
from services.load_generator.scenario import Posts
from services.load_generator.schedule import level, times
from services.load_generator.sender import Sender, closed_loop
from services.load_generator.signing import SignedRequest, sign_post
from services.load_generator.simulated_servers import Arrived
from services.load_generator.target import NobodyThere, Target

_OK = range(200, 300)
_AT_ONCE = 16
_DELETED_AFTER = 2.0
_FOLLOWED_WITHIN = 60.0
_UNDER_WAY = {"queued", "parked"}
_SUPERSEDED = "superseded"
"""What the target says of a post that was deleted before it could be sent."""


class Followers:
    """One actor on each of the first servers, who follows the local account for the length of a run.

    Args:
        population: Where they live.
        count: How many servers.
        person: Whom they follow.
        prefix: Keeps the ids apart from those of other runs.
    """

    def __init__(self, population: Population, count: int, person: Person, prefix: str) -> None:
        self._population, self._person, self._prefix = population, person, prefix
        self.actors = [population.actor(number) for number in range(count)]
        self._missing = {self._follow_id(actor) for actor in self.actors}
        self._done = asyncio.Event()

    def _follow_id(self, actor: SimulatedActor) -> str:
        return f"{actor.uri}#follows/{self._prefix}"

    def arrived(self, arrival: Arrived) -> None:
        """Note an Accept."""
        if arrival.type == "Accept":
            self._missing.discard(arrival.object_id)
            if not self._missing:
                self._done.set()

    async def follow(self, sender: Sender) -> None:
        """Follow and wait for every Accept; raises NobodyThere where some never come."""
        bodies = [
            (actor, self._follow_id(actor), payloads.follow(actor, self._prefix, self._person.uri))
            for actor in self.actors
        ]
        await self._send(sender, bodies)
        try:
            await asyncio.wait_for(self._done.wait(), _FOLLOWED_WITHIN)
        except TimeoutError:
            raise NobodyThere(
                f"{len(self._missing)} of {len(self.actors)} Follows were not accepted within "
                f"{_FOLLOWED_WITHIN:.0f} s: can the target reach {self.actors[0].host}?"
            ) from None

    async def unfollow(self, sender: Sender) -> None:
        """Take every Follow back, so that no later post goes to servers that are no more."""
        bodies = [
            (
                actor,
                f"{self._follow_id(actor)}/undo",
                payloads.undo_follow(actor, self._prefix, self._person.uri),
            )
            for actor in self.actors
        ]
        await self._send(sender, bodies)

    async def _send(self, sender: Sender, bodies: Sequence[tuple[SimulatedActor, str, bytes]]) -> None:
        ring = self._population.keys
        requests: list[SignedRequest] = [
            sign_post(ring, actor, self._person.inbox, activity_id, body)
            for actor, activity_id, body in bodies
        ]
        sent = await closed_loop(sender, requests, _AT_ONCE)
        failed = sum(one.status not in _OK for one in sent)
        if failed:
            raise NobodyThere(f"{failed} of {len(sent)} activities of the followers were not taken in")


class OutboundAudit:
    """Plans every delivery that a run makes the target owe, and ticks off those that arrive.

    Args:
        cast: Deliveries to servers that never accept are not owed.
        population: Who lives on the servers.
        late_after: Seconds after which an arrival is late.
        patient: Whether to wait for what a server refused at first.
    """

    def __init__(
        self, cast: Cast, population: Population, *, late_after: float, patient: bool = False
    ) -> None:
        self._cast, self._population, self._patient = cast, population, patient
        self.ledger = Ledger(late_after=late_after)
        self.arrivals = self.recent = 0
        self._signatures: Counter[str] = Counter()
        self._answers: Counter[int] = Counter()

    def expect(self, kind: str, subject: str, host: str, since: float, *, order: float = 0) -> None:
        """Note a delivery that the target owes."""
        number = self._population.host_number(host)
        reachable = number is None or self._cast.of(number).accepts
        prompt = not self.slow(host)
        key = _key(kind, subject, host)
        self.ledger.plan(
            key,
            since=since,
            owed="once" if reachable else "any",
            group=f"{subject} {host}",
            order=order,
            timed=prompt,
            awaited=prompt,
        )
        self.ledger.acknowledge(key)

    def slow(self, host: str) -> bool:
        """Tell whether a server takes its time."""
        number = self._population.host_number(host)
        return number is not None and self._cast.of(number).slow

    def excuse(self, states: Mapping[tuple[str, str], str] | None) -> None:
        """Note which missing deliveries are still under way, and which nobody waits for any more.

        Args:
            states: The target's own words by (activity, host); without them only slow servers are excused.
        """
        for key in self.ledger.unsettled():
            kind, subject, host = key.split(" ")
            activity = f"{subject}/activity" if kind == "Create" else f"{subject}#delete"
            state = states.get((activity, host)) if states is not None else None
            vague = states is None or kind == "Accept"
            if state in _UNDER_WAY or (vague and self.slow(host)):
                self.ledger.wait(key)
            elif state == _SUPERSEDED and self.ledger.knows(_key("Delete", subject, host)):
                self.ledger.release(key)

    def expect_answer(self, step: Step, since: float) -> None:
        """Note the Accept that a Follow is owed."""
        if not step.copy:
            self.expect("Accept", step.activity_id, step.actor.host, since)

    def arrived(self, arrival: Arrived) -> None:
        """Note an arrival: an effect if it was accepted, else it will be tried again."""
        self.arrivals += 1
        self.recent += 1
        self._answers[arrival.status] += 1
        if arrival.verdict:
            self._signatures[arrival.verdict] += 1
        key = _key(arrival.type, arrival.object_id, arrival.host)
        if arrival.status in _OK:
            self.ledger.seen(Effect(key=key, at=arrival.at))
        else:
            self.ledger.wait(key, patiently=self._patient)

    def result(self, *, posts: int, followers: int, states: dict[str, int]) -> Outbound:
        """Return what came of it."""
        return Outbound(
            account=self.ledger.account(),
            latency=Latency(figures=self.ledger.latency.summary(), counts=self.ledger.latency.counts),
            posts=posts,
            followers=followers,
            signatures=dict(self._signatures),
            answers=dict(self._answers),
            states=states,
        )


def _key(kind: str, subject: str, host: str) -> str:
    return f"{kind} {subject} {host}"


class Publisher:
    """Posts through the client API at fixed times.

    Args:
        target: Has the token.
        posts: How many, how fast.
        audit: Learns what each post makes the target owe.
        hosts: The servers that follow.
        seed: Chooses the posts that are deleted again.
    """

    def __init__(
        self, target: Target, posts: Posts, audit: OutboundAudit, hosts: Sequence[str], *, seed: int
    ) -> None:
        self._target, self._posts, self._audit, self._hosts = target, posts, audit, hosts
        self._seed = seed
        self._tasks: set[asyncio.Task[None]] = set()
        self.published = self.failed = 0
        self._stopped = asyncio.Event()
        self.uris: list[str] = []

    async def run(self, start: float) -> None:
        """Publish everything from this time on; returns when the last answer is there."""
        every = max(1, round(1 / self._posts.deleted)) if self._posts.deleted else 0
        for number, at in enumerate(times(level(self._posts.rate, self._posts.seconds), "constant", 0)):
            if await self._stopped_before(start + at):
                break
            task = asyncio.create_task(
                self._publish(number, start + at, delete=bool(every) and number % every == 0)
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.gather(*self._tasks)

    def stop(self) -> None:
        """Publish nothing more; what was published is still deleted where it was to be."""
        self._stopped.set()

    async def _stopped_before(self, moment: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, moment - time.monotonic())):
                await self._stopped.wait()
        return self._stopped.is_set()

    async def _publish(self, number: int, due: float, *, delete: bool) -> None:
        try:
            made = await self._target.publish(f"Load test {self._seed}: post {number}")
        except (NobodyThere, Unreachable):
            self.failed += 1
            return
        self.published += 1
        self.uris.append(made.uri)
        for host in self._hosts:
            self._audit.expect("Create", made.uri, host, due)
        if delete:
            await asyncio.sleep(_DELETED_AFTER)
            now = time.monotonic()
            await self._target.remove(made.id)
            for host in self._hosts:
                self._audit.expect("Delete", made.uri, host, now, order=1)
