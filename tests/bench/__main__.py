"""`make bench`: runs every case three times, prints CPU per item by component, keeps and compares figures."""

import argparse
import asyncio
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from msgspec import Struct, json
from rich.console import Console
from rich.table import Table

from deploy.local.testing import servers_for_tests
from tests.bench import inbound, outbound
from tests.bench.accounting import Cost
from tests.infrastructure import Infrastructure

KEPT = Path(__file__).parents[2] / ".local/bench"
CASES: dict[str, tuple[str, Callable[..., Awaitable[list[Cost]]]]] = {
    "inbound": ("Create with 5 local followers, 202 to commit", inbound.measure),
    "outbound": ("delivery to a distinct host, warm, RSA-2048", outbound.measure),
}


class Report(Struct):
    """Medians in CPU microseconds per item, by case and component."""

    at: float
    machine: str
    items: int
    runs: int
    cases: dict[str, dict[str, float]]


def median(costs: list[Cost]) -> dict[str, float]:
    """Return the median of each component, and of the totals, over the runs."""
    names = costs[0].micros
    found = {name: statistics.median(cost.micros[name] for cost in costs) for name in names}
    return found | {"total": statistics.median(cost.total for cost in costs)}


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
    for case, micros in report.cases.items():
        table = Table(title=f"{case}: {CASES[case][0]}", title_justify="left")
        table.add_column("component")
        table.add_column("CPU µs per item", justify="right")
        table.add_column("before", justify="right")
        old = before.cases.get(case, {}) if before else {}
        for name, value in micros.items():
            was = f"{old[name]:.0f}" if name in old else "-"
            table.add_row(name, f"{value:.0f}", was, style="bold" if name == "total" else "")
        console.print(table)


async def run(environment: Mapping[str, str], chosen: list[str], items: int, runs: int) -> Report:
    """Run the chosen cases one after the other, on the servers that the environment names."""
    infrastructure = Infrastructure(
        database_url=environment["HEDDLE_TEST_DATABASE_URL"],
        broker_url=environment["HEDDLE_TEST_BROKER_URL"],
        management_url=environment["HEDDLE_TEST_MANAGEMENT_URL"],
    )
    cases = {}
    for case in chosen:
        Console(stderr=True).print(f"{case}: {runs} runs of {items} items …")
        cases[case] = median(await CASES[case][1](infrastructure, items=items, runs=runs))
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    return Report(at=time.time(), machine=machine, items=items, runs=runs, cases=cases)


def main() -> int:
    """Parse the arguments, run, print, keep."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"which of {', '.join(CASES)}; all by default")
    parser.add_argument("--items", type=int, default=3000, help="how many a run (default 3000)")
    parser.add_argument("--runs", type=int, default=3, help="how often (default 3)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    arguments = parser.parse_args()
    unknown = set(arguments.cases) - set(CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    before = last_kept()
    with servers_for_tests(durable=True) as environment:
        work = run(environment, arguments.cases or list(CASES), arguments.items, arguments.runs)
        report = asyncio.run(work)
    kept = keep(report)
    if arguments.json:
        sys.stdout.write(json.encode(report).decode() + "\n")
    else:
        show(report, before)
        Console().print(f"Kept in {kept}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
