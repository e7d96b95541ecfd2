"""The verdict: did the generator keep up, did the target hold."""

from collections.abc import Mapping, Sequence

from services.load_generator.results import Check, Stage

LATE_P99 = 0.1
"""Seconds. Beyond, what is measured is the generator."""
MIN_ACHIEVED = 0.97
BUSIEST = 0.95
STARVED_SHARE = 0.001

ALWAYS = {"lost": 0.0, "doubled": 0.0, "forged": 0.0}
"""Held against every run, whatever the scenario says."""

FACTS = {"lost", "doubled", "forged", "out_of_order", "bad_signatures"}
"""What is true of the target however badly the generator kept up."""


def invalid(stages: Sequence[Stage]) -> list[str]:
    """Return why the run says more about the generator than about the target; empty where it does not."""
    return [f"{stage.name}: {reason}" for stage in stages for reason in spoiled(stage)]


def spoiled(stage: Stage) -> list[str]:
    """Return what the generator spoiled of a stage."""
    made = stage.generators
    found: list[str] = []
    if not stage.sent:
        return found
    if made.late_p99 > LATE_P99:
        found.append(f"a hundredth of the requests left more than {made.late_p99 * 1000:.0f} ms late")
    if stage.achieved < MIN_ACHIEVED * stage.offered:
        found.append(f"{stage.achieved:.0f} requests/s left where {stage.offered:.0f} were due")
    if made.starved > STARVED_SHARE * stage.sent:
        found.append(f"{made.starved} requests had to wait for their signature")
    if made.busiest > BUSIEST:
        found.append(f"a generator process used {made.busiest:.0%} of a core: take more of them")
    if made.servers_busy > BUSIEST:
        found.append(f"the simulated servers used {made.servers_busy:.0%} of a core")
    return found


def checks(stages: Sequence[Stage], limits: Mapping[str, float]) -> list[Check]:
    """Hold the stages against the thresholds; of several stages the worst one counts."""
    held = ALWAYS | dict(limits)
    found = []
    for name, limit in held.items():
        measured = max((measure(stage, name) for stage in stages), default=0.0)
        found.append(Check(name=name, limit=limit, measured=measured, passed=measured <= limit))
    return found


def measure(stage: Stage, name: str) -> float:
    """Return what a stage says on a threshold (`scenario.LIMITS`)."""
    account, outbound = stage.account, stage.outbound
    sent = outbound.account if outbound else None
    figures = {
        "lost": account.lost + (sent.lost if sent else 0),
        "doubled": account.doubled + (sent.doubled if sent else 0),
        "late": account.late + (sent.late if sent else 0),
        "out_of_order": sent.out_of_order if sent else 0,
        "forged": account.forged,
        "refused": account.refused,
        "errors": stage.errors / max(1, stage.sent),
        "p50_accept": stage.accept.figures.p50,
        "p99_accept": stage.accept.figures.p99,
        "p99_effect": stage.effect.figures.p99,
        "p99_delivery": outbound.latency.figures.p99 if outbound else 0.0,
        "drain": stage.drain,
        "bad_signatures": _bad(outbound.signatures) if outbound else 0,
    }
    return float(figures[name])


def _bad(signatures: Mapping[str, int]) -> int:
    return sum(count for verdict, count in signatures.items() if verdict != "valid")


def conclude(*, invalid_because: Sequence[str], held: Sequence[Check], interrupted: bool) -> str:
    """Return the verdict in a word; a figure that the generator may have spoiled fails nobody."""
    if interrupted:
        return "interrupted"
    exceeded = {check.name for check in held if not check.passed}
    if exceeded & FACTS:
        return "failed"
    if invalid_because:
        return "invalid"
    return "failed" if exceeded else "passed"
