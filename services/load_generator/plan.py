"""What is sent, when and by whom: all fixed before the start, the same for the same seed.

Every process of a run makes the whole plan for itself and takes its own part of it, so that nothing but
the seed has to travel between them.
"""

import random
from collections import deque
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from services.load_generator.characters import Cast
from services.load_generator.kinds import HOSTILE, KINDS
from services.load_generator.population import Population, SimulatedActor
from services.load_generator.scenario import Traffic
from services.load_generator.schedule import times

_REMEMBERED = 500
_HOUR = 3600.0
_SETTLED = 1.0
"""Seconds after which an activity is old enough for another one to build on it."""


_A_POST = "{actor}/statuses/{key}/activity"
_IDS = {
    "follow": "{actor}#follows/{key}",
    "unfollow": "{actor}#follows/{subject}/undo",
    "like": "{actor}#likes/{key}",
    "announce": "{actor}#announces/{key}",
    "update": "{actor}/statuses/{subject}#updates/{key}",
    "delete": "{actor}/statuses/{subject}#delete",
    "delete_actor": "{actor}#delete",
}


class Person(Struct, frozen=True, kw_only=True):
    """A local account of the target."""

    uri: str
    inbox: str
    acct: str


class LocalPost(Struct, frozen=True, kw_only=True):
    """A post of the target."""

    uri: str
    author: str


class Step(Struct, frozen=True, kw_only=True):
    """One request: `at` seconds after the start.

    `written` is the Unix time that its object bears. `key` makes the ids unique, `subject` is the key of
    the earlier step that this one changes, `target` the local actor or post that it concerns. A `copy`
    repeats an earlier step, id, dates and all.
    """

    index: int
    at: float
    written: float
    kind: str
    actor: SimulatedActor
    key: str
    target: str
    inbox: str
    author: str = ""
    subject: str = ""
    copy: bool = False

    @property
    def activity_id(self) -> str:
        """The id of the activity, by which the ledger knows it."""
        form = _IDS.get(self.kind, _A_POST)
        return form.format(actor=self.actor.uri, key=self.key, subject=self.subject)

    @property
    def group(self) -> str:
        """What this step and others change together, in the order in which they were made."""
        return f"{self.actor.uri} {self.subject or self.key}"


def taken_back(steps: Iterable[Step]) -> set[str]:
    """Return the ids of the Follows and posts that later steps take back."""
    forms = {"unfollow": _IDS["follow"], "delete": _A_POST}
    return {
        forms[step.kind].format(actor=step.actor.uri, key=step.subject)
        for step in steps
        if step.kind in forms
    }


class Planner:
    """Makes the plan.

    Args:
        traffic: The mix, and how much of it is new or repeated.
        population: Who sends.
        cast: Servers that are dead or drip send nothing: nobody could fetch their keys.
        people: Local accounts to write to; at least one.
        posts: Local posts to like, boost and reply to.
        shared_inbox: Where most of it goes.
        seed: The same seed, the same plan.
        begun: Unix time at which the run began: what is sent bears times of the hour before, in the order
            of the plan.
    """

    def __init__(
        self,
        traffic: Traffic,
        population: Population,
        cast: Cast,
        *,
        people: Sequence[Person],
        posts: Sequence[LocalPost],
        shared_inbox: str,
        seed: int,
        begun: float,
    ) -> None:
        self._traffic, self._population = traffic, population
        self._people, self._posts, self._shared_inbox = people, posts, shared_inbox
        self._seed, self._chance = seed, random.Random(seed)
        self._written_from = begun - _HOUR
        self._senders = [number for number in cast.hosts(live=True) if not cast.of(number).dripping]
        self._recent: dict[str, deque[Step]] = {
            kind.after: deque(maxlen=_REMEMBERED) for kind in KINDS.values() if kind.after
        }
        self._honest: deque[Step] = deque(maxlen=_REMEMBERED)

    def steps(self, prefix: str) -> list[Step]:
        """Return the whole plan; `prefix` keeps its ids apart from those of other runs."""
        line = self._traffic.line
        kinds, weights = list(self._traffic.mix), list(self._traffic.mix.values())
        found = []
        for index, at in enumerate(times(line, self._traffic.arrivals, self._seed)):
            kind = self._chance.choices(kinds, weights)[0]
            found.append(self._step(index, at, kind, f"{prefix}-{index}"))
        return found

    def roll_call(self, prefix: str, rate: float) -> list[Step]:
        """Return a plan in which every actor posts once: afterwards the target knows all keys."""
        hosts, places = self._population.hosts, range(self._population.actors_per_host)
        actors = [self._population.actor(place * hosts + host) for place in places for host in self._senders]
        person = self._people[0]
        return [
            Step(
                index=index,
                at=index / rate,
                written=self._written_from + index / rate,
                kind="create",
                actor=actor,
                key=f"{prefix}-{index}",
                target=person.uri,
                inbox=self._shared_inbox,
            )
            for index, actor in enumerate(actors)
        ]

    def _step(self, index: int, at: float, kind: str, key: str) -> Step:
        if self._honest and self._chance.random() < self._traffic.duplicates:
            first = self._chance.choice(self._honest)
            return _again(first, index, at)
        subject = self._earlier(kind, at) if KINDS[kind].after else None
        if KINDS[kind].after and subject is None:
            kind = KINDS[kind].after
        step = self._new(index, at, kind, key, subject)
        if kind in self._recent:
            self._recent[kind].append(step)
        if kind not in HOSTILE:
            self._honest.append(step)
        return step

    def _earlier(self, kind: str, at: float) -> Step | None:
        recent = self._recent[KINDS[kind].after]
        old = [step for step in recent if step.at < at - _SETTLED]
        if not old:
            return None
        chosen = self._chance.choice(old)
        if kind in {"delete", "unfollow"}:
            recent.remove(chosen)
        return chosen

    def _new(self, index: int, at: float, kind: str, key: str, subject: Step | None) -> Step:
        person = self._chance.choice(self._people)
        target, author = person.uri, ""
        if KINDS[kind].posts:
            post = self._chance.choice(self._posts)
            target, author = post.uri, post.author
        if subject is not None:
            target = subject.target
        personal = self._chance.random() < self._traffic.personal
        return Step(
            index=index,
            at=at,
            written=self._written_from + at,
            kind=kind,
            actor=subject.actor if subject else self._sender(kind, index),
            key=key,
            target=target,
            inbox=person.inbox if personal else self._shared_inbox,
            author=author,
            subject=subject.key if subject else "",
        )

    def _sender(self, kind: str, index: int) -> SimulatedActor:
        if kind == "delete_actor":
            return self._population.gone(self._chance.choice(self._senders))
        if self._chance.random() < self._traffic.new_servers:
            return self._population.newcomer(index)
        place = self._chance.randrange(self._population.actors_per_host)
        return self._population.actor(place * self._population.hosts + self._chance.choice(self._senders))


def _again(step: Step, index: int, at: float) -> Step:
    return replace(step, index=index, at=at, copy=True)
