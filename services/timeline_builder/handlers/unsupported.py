"""What is authentic and has no effect here (yet): it is counted, and the journey shows it."""

from collections.abc import Sequence

from services.timeline_builder.effects import Run
from services.timeline_builder.work import AnyWork, Outcome


async def apply(_run: Run, works: Sequence[AnyWork]) -> None:
    """Say that nothing came of these."""
    for work in works:
        work.outcome = Outcome.NOT_SUPPORTED
