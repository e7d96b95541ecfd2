"""The knee: the highest rate that the target keeps up with, found by trying."""

from collections.abc import Awaitable, Callable

from services.load_generator.results import Stage
from services.load_generator.scenario import Knee
from services.load_generator.verdict import spoiled

_TRIES = 2


def why_not(stage: Stage, knee: Knee) -> str:
    """Return why a stage did not hold; empty where it did."""
    account = stage.account
    if not account.clean and (account.lost or account.doubled):
        return f"{account.lost} lost, {account.doubled} doubled"
    if stage.errors:
        return f"{stage.errors} of {stage.sent} requests were not taken in"
    p99 = stage.effect.figures.p99
    if p99 > knee.p99_effect:
        return f"p99 to the effect {p99:.1f} s, more than {knee.p99_effect:.0f} s"
    if stage.drain > knee.drain:
        return f"{stage.drain:.1f} s to drain, more than {knee.drain:.0f} s"
    return ""


async def search(
    knee: Knee, try_rate: Callable[[float], Awaitable[Stage]], *, stopped: Callable[[], str]
) -> tuple[float | None, str]:
    """Return the highest rate that held, and what ended the search; `stopped` says why it is to end.

    Rates grow until one fails. Where the first one does, they shrink until one holds.

    A rate that fails is tried once more, for a machine has other things to do now and then. Where it was the
    generator that could not keep up, the reason says so: then the target's limit lies higher.
    """
    best: float | None = None
    rate, ceiling, reason = knee.start, None, f"the most that was to be tried: {knee.most:.0f}/s"
    refined = 0
    while knee.least <= rate <= knee.most and not stopped():
        failure = await _try(rate, knee, try_rate)
        if not failure:
            best = rate
        else:
            ceiling, reason = rate, f"at {rate:.0f}/s: {failure}"
        if ceiling is None:
            rate *= knee.factor
        elif best is None:
            rate /= knee.factor
        elif refined >= knee.refine:
            break
        else:
            refined += 1
            rate = (best + ceiling) / 2
    why = [reason] if ceiling is not None or not stopped() else []
    return best, "; ".join(filter(None, [*why, stopped()]))


async def _try(rate: float, knee: Knee, try_rate: Callable[[float], Awaitable[Stage]]) -> str:
    """Return why a rate does not hold; empty where it does in one of two stages."""
    failure = ""
    for _ in range(_TRIES):
        stage = await try_rate(rate)
        spoilt = [f"the generator could not keep up: {reason}" for reason in spoiled(stage)]
        failure = "; ".join(filter(None, [why_not(stage, knee), *spoilt]))
        if not failure:
            break
    return failure
