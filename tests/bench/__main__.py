"""`make bench`: runs its cases, prints CPU per item by component, keeps and compares figures."""

import argparse
import asyncio
import platform
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, json
from rich.console import Console
from rich.table import Table

from deploy.local.testing import servers_for_tests
from tests.bench.registry import Case, Measured, all_cases
from tests.infrastructure import Infrastructure

KEPT = Path(__file__).parents[2] / ".local/bench"


class Report(Struct):
    """Medians over the runs, by case and component; `items` and `runs` where all cases were told the same."""

    at: float
    machine: str
    items: int | None
    runs: int | None
    cases: dict[str, dict[str, float]]


def median(measured: Sequence[Measured]) -> dict[str, float]:
    """Return the median of each figure over the runs."""
    names = measured[0].figures
    return {name: statistics.median(one.figures[name] for one in measured) for name in names}


def last_kept() -> Report | None:
    """Return the newest report kept, if there is one."""
    files = sorted(KEPT.glob("*.json"))
    return json.decode(files[-1].read_bytes(), type=Report) if files else None


def keep(report: Report) -> Path:
    """Write the report and return where."""
    KEPT.mkdir(parents=True, exist_ok=True)
    file = KEPT / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(report.at))}.json"
    file.write_bytes(json.format(json.encode(report)))
    return file


def show(report: Report, before: Report | None) -> None:
    """Print one table per case."""
    console = Console()
    for name, figures in report.cases.items():
        case = all_cases()[name]
        table = Table(title=f"{name}: {case.title}", title_justify="left")
        table.add_column("")
        table.add_column(case.unit, justify="right")
        table.add_column("before", justify="right")
        old = before.cases.get(name, {}) if before else {}
        for part, value in figures.items():
            was = _shown(old[part]) if part in old else "-"
            table.add_row(part, _shown(value), was, style="bold" if part == "total" else "")
        console.print(table)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


async def run(
    environment: Mapping[str, str], chosen: Sequence[Case], items: int | None, runs: int | None
) -> Report:
    """Run the chosen cases one after the other, on the servers that the environment names."""
    infrastructure = Infrastructure(
        database_url=environment["HEDDLE_TEST_DATABASE_URL"],
        broker_url=environment["HEDDLE_TEST_BROKER_URL"],
        management_url=environment["HEDDLE_TEST_MANAGEMENT_URL"],
    )
    cases = {}
    for case in chosen:
        amount, times = items or case.items, runs or case.runs
        Console(stderr=True).print(f"{case.name}: {times} runs of {amount} items …")
        cases[case.name] = median(await case.measure(infrastructure, items=amount, runs=times))
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    return Report(at=time.time(), machine=machine, items=items, runs=runs, cases=cases)


def main() -> int:
    """Parse the arguments, run, print, keep."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    known = all_cases()
    parser.add_argument("cases", nargs="*", help=f"which of {', '.join(known)}; the quick ones by default")
    parser.add_argument("--items", type=int, help="how many a run")
    parser.add_argument("--runs", type=int, help="how often")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    arguments = parser.parse_args()
    unknown = set(arguments.cases) - set(known)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [case for case in known.values() if case.name in arguments.cases]
    before = last_kept()
    with servers_for_tests(durable=True) as environment:
        chosen = chosen or [case for case in known.values() if case.by_default]
        report = asyncio.run(run(environment, chosen, arguments.items, arguments.runs))
    kept = keep(report)
    if arguments.json:
        sys.stdout.write(json.encode(report).decode() + "\n")
    else:
        show(report, before)
        Console().print(f"Kept in {kept}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
