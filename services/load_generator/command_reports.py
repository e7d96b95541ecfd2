"""The commands beside `run`: reports shown again and compared, lists, what the generator itself can do."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.load_generator import results, scenario
from services.load_generator.capacity import measure_capacity
from services.load_generator.compare import compare as compare_reports
from services.load_generator.options import FOLDER, AsJson, Folder
from services.load_generator.page import write_page
from services.load_generator.results import NotAReport
from services.load_generator.scenario import LIMITS
from services.load_generator.summary import show
from services.load_generator.terminal import FAILED, code_of, terminal


def report(
    which: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="Folder or JSON file; the newest otherwise.")
    ] = None,
    *,
    out: Folder = FOLDER,
    as_json: AsJson = False,
) -> None:
    """Show a report again; exit code as of the run."""
    found = which or results.newest(out)
    if found is None:
        raise NotAReport(f"there is no run in {out}")
    if not found.exists() and (out / found).exists():
        found = out / found
    told = results.read(found)
    if as_json:
        sys.stdout.write((found / "report.json" if found.is_dir() else found).read_text() + "\n")
    else:
        show(told, terminal())
        folder = found if found.is_dir() else found.parent
        Console().print(f"Page: {write_page(told, folder)}", highlight=False, soft_wrap=True)
    raise typer.Exit(code_of(told))


def compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="Folder or JSON file of a run.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    *,
    worse: Annotated[float, typer.Option(min=0, help="How much worse fails, in percent.")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs; exit code 1 where the second one is worse."""
    failed = compare_reports(
        results.read(before), results.read(after), tolerance=worse / 100, as_json=as_json, console=terminal()
    )
    raise typer.Exit(FAILED if failed else 0)


def scenarios() -> None:
    """List the scenarios that come with the generator."""
    width = max(map(len, scenario.shipped()))
    for known, title in scenario.shipped().items():
        typer.echo(f"{known:{width}}  {title}")


def limits() -> None:
    """List what --limit and a scenario's [limits] can be set on."""
    width = max(map(len, LIMITS))
    for known, meaning in LIMITS.items():
        typer.echo(f"{known:{width}}  {meaning}")


def capacity(
    *,
    out: Folder = FOLDER,
    seconds: Annotated[float, typer.Option(min=1, help="How long each measurement takes.")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the generator itself: requests sent and deliveries taken in by one core each."""
    enough = measure_capacity(out / "keys", seconds=seconds, as_json=as_json, console=terminal())
    raise typer.Exit(0 if enough else FAILED)
