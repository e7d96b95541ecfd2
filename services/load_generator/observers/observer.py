"""What every observer can do."""

from collections.abc import Sequence
from typing import Protocol

from services.load_generator.ledger import Effect, Ledger


class Observer(Protocol):
    """Sees effects of activities that came in."""

    @property
    def name(self) -> str:
        """What it looks at, in a word for the report."""
        ...

    def sees(self, kind: str) -> bool:
        """Tell whether the effect of this kind of activity shows here."""
        ...

    async def look(self, pending: Sequence[str]) -> list[Effect]:
        """Return effects not returned before; `pending` are the ids that are waited for."""
        ...

    async def confirm(self, ledger: Ledger) -> list[str]:
        """Look closer once all is over: correct the ledger, and return what else is wrong."""
        ...

    async def close(self) -> None:
        """Close what was opened."""
        ...
