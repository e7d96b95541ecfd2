"""The three ways in which a bad input ends, and everything that must be true of each."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from msgspec import json

from tests.hostile.arena import APPLIED, BUILDER, RECEIVER, REJECTED, VERIFIER, Arena, Shot
from tests.infrastructure import eventually

IDENTIFIED = frozenset({401, 403})

Make = Callable[[Arena], Coroutine[Any, Any, Shot]]


@dataclass(frozen=True)
class Refused:
    """The receiver refuses before anything is queued."""

    status: int
    reason: str

    async def holds(self, arena: Arena, make: Make) -> None:
        """Fire, and check that this is what happens, and nothing else."""
        shot = await make(arena)
        before = await arena.count(RECEIVER, REJECTED, reason=self.reason)
        fetched = _fetched(shot)
        answer = await arena.fire(shot)
        problem = json.decode(answer.body, type=dict[str, object])
        assert (answer.status, problem["reason"]) == (self.status, self.reason)
        assert await arena.count(RECEIVER, REJECTED, reason=self.reason) == before + 1
        assert _fetched(shot) == fetched, "nothing is fetched for what is refused at the door"
        # Where no id can be read, the trace that the sender was told leads to it.
        name = shot.id if self.status in IDENTIFIED else str(problem["trace"])
        await _can_be_looked_up(arena, name, self.reason)


@dataclass(frozen=True)
class Rejected:
    """The verifier rejects: no row, no dedupe entry, and no request but for the key.

    `fetches` bounds the requests at the attacker's hosts; `reasons` are the words that are right.
    """

    reasons: frozenset[str]
    fetches: int = 4

    async def holds(self, arena: Arena, make: Make) -> None:
        """Fire, and check that this is what happens, and nothing else."""
        shot = await make(arena)
        before = {reason: await arena.count(VERIFIER, REJECTED, reason=reason) for reason in self.reasons}
        fetched = _fetched(shot)
        answer = await arena.fire(shot)
        assert answer.status == 202, answer.body
        reason = await _can_be_looked_up(arena, shot.id, *self.reasons)
        # The row is written first, then it is counted.
        await eventually(lambda: arena.counted(VERIFIER, REJECTED, before[reason], reason=reason), "a count")
        assert not (await arena.journey(shot.id)).applied
        assert not await arena.has_post(shot.note)
        assert len(_fetched(shot)) - len(fetched) <= self.fetches, _fetched(shot)[len(fetched) :]


def rejected(*reasons: str, fetches: int = 4) -> Rejected:
    """Return the verdict of the verifier with one of these reasons."""
    return Rejected(frozenset(reasons), fetches)


@dataclass(frozen=True)
class Harmless:
    """It is authentic, and has no effect: it was counted with one of these outcomes."""

    outcomes: frozenset[str]

    async def holds(self, arena: Arena, make: Make) -> None:
        """Fire, and check that this is what comes of it."""
        shot = await make(arena)
        before = {one: await arena.count(BUILDER, APPLIED, outcome=one) for one in self.outcomes}
        answer = await arena.fire(shot)
        assert answer.status == 202, answer.body
        outcome = await arena.outcome(shot.id)
        assert outcome in self.outcomes
        await eventually(lambda: arena.counted(BUILDER, APPLIED, before[outcome], outcome=outcome), "a count")


def harmless(*outcomes: str) -> Harmless:
    """Return the verdict of the builder with one of these outcomes."""
    return Harmless(frozenset(outcomes))


@dataclass(frozen=True)
class Accepted:
    """It looks odd and is right: it takes effect."""

    async def holds(self, arena: Arena, make: Make) -> None:
        """Fire, and check that it takes effect."""
        shot = await make(arena)
        answer = await arena.fire(shot)
        assert answer.status == 202, answer.body
        assert await arena.outcome(shot.id) == "applied"


Verdict = Refused | Rejected | Harmless | Accepted


async def _can_be_looked_up(arena: Arena, name: str, *reasons: str) -> str:
    """Wait until `heddle trace` knows why something was refused; return the reason."""
    found: list[str] = []

    async def known() -> bool:
        journey = await arena.journey(name)
        assert not journey.applied, f"applied: {journey.applied}"
        found[:] = [refusal.reason for refusal in journey.refused]
        return bool(found)

    await eventually(known, f"{name} to be refused")
    assert found[-1] in reasons, found
    return found[-1]


def _fetched(shot: Shot) -> list[str]:
    return [path for host in dict.fromkeys(shot.watched) for path in host.fetched]
