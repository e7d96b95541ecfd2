"""Sees what a Follow came to by the Accept that arrives at the follower's server: works with any target."""

from collections.abc import Sequence

from services.load_generator.ledger import Effect, Ledger
from services.load_generator.simulated_servers import Arrived

_OK = range(200, 300)


class ArrivalsObserver:
    """Is told of every arrival, and answers with those that are answers themselves."""

    name = "answers that arrive at the simulated servers"

    def __init__(self) -> None:
        self._effects: list[Effect] = []

    def arrived(self, arrival: Arrived) -> None:
        """Note an arrival."""
        if arrival.status in _OK and arrival.type in {"Accept", "Reject"}:
            self._effects.append(Effect(key=arrival.object_id, at=arrival.at))

    def sees(self, kind: str) -> bool:
        """Tell whether the effect of this kind of activity shows here."""
        return kind == "follow"

    async def look(self, pending: Sequence[str]) -> list[Effect]:  # noqa: ARG002 - the interface's
        """Return what arrived since the last look."""
        effects, self._effects = self._effects, []
        return effects

    async def confirm(self, ledger: Ledger) -> list[str]:  # noqa: ARG002 - the interface's
        """There is nothing more to see."""
        return []

    async def close(self) -> None:
        """Nothing was opened."""
