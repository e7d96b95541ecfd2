"""Aims on the cores at hand, and whether figures stay within them."""

import io
import re
from pathlib import Path

import pytest
from msgspec import json
from rich.console import Console

from tests.bench.aims import RSA_SIGN, Aim, Verdict, judge
from tests.bench.anchors import Cores, Ratio
from tests.bench.registry import Case, Figures, all_cases
from tests.bench.report import Report, keep, last_kept, show
from tests.infrastructure import Infrastructure

SLOW = Cores(
    rsa=3.5, other=2.0, low=1.8, high=2.3, anchors=(Ratio("Ed25519 sign", here=42.0, there=21.0, ratio=2.0),)
)


async def nothing(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Figures]:
    """Measure nothing."""
    raise AssertionError(infrastructure, items, runs)


def case(name: str, aim: Aim | None = None) -> Case:
    """Return a case that is never run."""
    return Case(name=name, title="something", measure=nothing, aim=aim)


def printed(report: Report, cases: list[Case]) -> str:
    """Return what is shown of a report, each run of blanks as one."""
    screen = io.StringIO()
    console = Console(width=150, file=screen, color_system=None)
    show(console, report, None, {one.name: one for one in cases})
    return re.sub(r"[ │┃]+", " ", screen.getvalue())


def report(figures: dict[str, dict[str, float]], aims: dict[str, Verdict]) -> Report:
    """Return a report with these figures and verdicts, by case."""
    return Report(at=0.0, machine="one", items=None, runs=None, cases=figures, cores=SLOW, aims=aims)


def test_signatures_and_all_else_are_converted_apart() -> None:
    """The part that RSA signatures take grows as these do, the rest as all else does."""
    assert Aim(most=380, rsa=RSA_SIGN).on(SLOW) == 233 * 3.5 + 147 * 2.0
    assert Aim(most=320).on(SLOW) == 640


def test_what_is_no_cpu_time_is_the_same_everywhere() -> None:
    """Bytes, and the ratio of two latencies, need no conversion."""
    assert Aim(figure="p99, times", most=1.1, cpu=False).on(SLOW) == 1.1


@pytest.mark.parametrize(("measured", "held"), [(639.0, True), (640.0, True), (641.0, False)])
def test_a_figure_is_held_against_the_aim_of_these_cores(measured: float, held: bool) -> None:
    """More than the reference cores may take is no miss; more than these may take is one."""
    verdict = judge(Aim(most=320), {"broker": 1.0, "total": measured}, SLOW, items=3000)
    assert verdict == Verdict(figure="total", measured=measured, there=320, here=640, held=held)


def test_an_aim_for_a_number_of_items_is_for_no_other() -> None:
    """A plan for a tenth of the followers says nothing about the aim, and neither does a case without one."""
    aim, figures = Aim(most=1000, items=100_000), {"total": 150.0}
    assert judge(aim, figures, SLOW, items=10_000) is None
    assert judge(aim, figures, SLOW, items=100_000) is not None
    assert judge(None, figures, SLOW, items=100_000) is None


def test_aims_stand_beside_their_figure_alone() -> None:
    """Both aims and the outcome are printed, by how much too; a case without an aim has no such columns."""
    figures = {"missed": {"broker": 50.0, "total": 960.0}, "held": {"total": 600.0}, "free": {"total": 7.0}}
    cases = [case("missed", Aim(most=320)), case("held", Aim(most=320)), case("free")]
    verdicts = {
        one.name: verdict for one in cases if (verdict := judge(one.aim, figures[one.name], SLOW, items=1))
    }
    text = printed(report(figures, verdicts), cases)
    assert "\n total 960 - 320 640 missed by 50 % \n" in text
    assert "\n broker 50 - \n" in text
    assert "\n total 600 - 320 640 held \n" in text
    assert "\n total 7 - \n" in text
    assert text.count("aim there aim here held?") == 2


def test_what_the_cores_are_worth_is_printed() -> None:
    """Each anchor here and there, both ratios, and how far the others lie apart."""
    text = printed(report({}, {}), [])
    assert "\n Ed25519 sign 42 21 2.00 \n" in text
    for ratio in ("3.50", "2.00", "1.80", "2.30"):
        assert re.search(rf"[ \n]{ratio}\b", text)


def test_a_report_is_kept_whole_and_older_ones_are_still_read(tmp_path: Path) -> None:
    """The JSON carries cores, aims and verdicts; what was kept without them is compared with all the same."""
    old = {"at": 1.0, "machine": "one", "items": None, "runs": 3, "cases": {"held": {"total": 5.0}}}
    (tmp_path / "19690101-000000.json").write_bytes(json.encode(old))
    before = last_kept(tmp_path)
    assert before is not None
    assert (before.cases, before.cores, before.aims) == ({"held": {"total": 5.0}}, None, {})
    verdict = Verdict(figure="total", measured=6.0, there=5.0, here=10.0, held=True)
    new = report({"held": {"total": 6.0}}, {"held": verdict})
    keep(new, tmp_path)
    assert last_kept(tmp_path) == new


def test_no_more_than_the_whole_is_taken_by_signatures() -> None:
    """Something of each case's aim is left for all else, and only CPU time is spent on signatures."""
    aims = [one.aim for one in all_cases().values() if one.aim]
    assert aims
    assert all(0 <= aim.rsa < aim.most and (aim.cpu or not aim.rsa) for aim in aims)
