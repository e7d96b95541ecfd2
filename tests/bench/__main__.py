"""`make bench`: runs its cases, prints CPU per item by component, keeps and compares figures."""

import argparse
import asyncio
import platform
import statistics
import sys
import time
from collections.abc import Mapping, Sequence

from msgspec import json
from rich.console import Console

from deploy.local.testing import servers_for_tests
from tests.bench.aims import Verdict, judge
from tests.bench.anchors import these_cores
from tests.bench.registry import Case, Measured, all_cases
from tests.bench.report import Report, keep, last_kept, show
from tests.infrastructure import Infrastructure


def median(measured: Sequence[Measured]) -> dict[str, float]:
    """Return the median of each figure over the runs."""
    names = measured[0].figures
    return {name: statistics.median(one.figures[name] for one in measured) for name in names}


async def run(
    environment: Mapping[str, str], chosen: Sequence[Case], items: int | None, runs: int | None
) -> Report:
    """Run the chosen cases one after the other, on the servers that the environment names."""
    infrastructure = Infrastructure(
        database_url=environment["HEDDLE_TEST_DATABASE_URL"],
        broker_url=environment["HEDDLE_TEST_BROKER_URL"],
        management_url=environment["HEDDLE_TEST_MANAGEMENT_URL"],
    )
    cores = these_cores()
    cases, aims = dict[str, dict[str, float]](), dict[str, Verdict]()
    for case in chosen:
        amount, times = items or case.items, runs or case.runs
        Console(stderr=True).print(f"{case.name}: {times} runs of {amount} items …")
        figures = median(await case.measure(infrastructure, items=amount, runs=times))
        cases[case.name] = figures
        if verdict := judge(case.aim, figures, cores, items=amount):
            aims[case.name] = verdict
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    return Report(
        at=time.time(), machine=machine, items=items, runs=runs, cases=cases, cores=cores, aims=aims
    )


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
        console = Console()
        show(console, report, before, known)
        console.print(f"Kept in {kept}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
