"""The command line of the load generator. Exit codes: 0 passed, 1 failed or invalid, 2 wrong usage."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from services.load_generator import fediverse, generator, results, scenario
from services.load_generator.capacity import measure_capacity
from services.load_generator.compare import compare as compare_reports
from services.load_generator.live import Progress
from services.load_generator.options import PORT, Options
from services.load_generator.page import write_page
from services.load_generator.population import DOMAIN, Style
from services.load_generator.results import NotAReport, Report
from services.load_generator.run import Run
from services.load_generator.scenario import LIMITS, Scenario, ScenarioError
from services.load_generator.summary import show
from shared.protocol.errors import Rejected, Unavailable
from shared.runtime.settings import Settings, SettingsError, load_settings

FAILED, USAGE, INTERRUPTED = 1, 2, 130
_FOLDER = Path(".local/load")
_PIPED_WIDTH = 160

app = typer.Typer(
    name="heddle load",
    help="Put a server under the load of a simulated fediverse, and audit what came of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Folder = Annotated[Path, typer.Option("--out", help="Where runs and keys are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the JSON report on standard output.")]


@app.command("run")
def run(
    name: Annotated[
        str, typer.Argument(metavar="[SCENARIO]", help="A shipped scenario or a TOML file.")
    ] = "smoke",
    *,
    target: Annotated[str, typer.Option(envvar="HEDDLE_ORIGIN", help="Origin of the server under test.")],
    recipient: Annotated[
        list[str] | None,
        typer.Option(
            envvar="HEDDLE_LOAD_RECIPIENT", help="A local account to write to; may be given more than once."
        ),
    ] = None,
    token: Annotated[
        str, typer.Option(envvar="HEDDLE_LOAD_TOKEN", help="Access token of a local account that posts.")
    ] = "",
    consent: Annotated[
        str,
        typer.Option(envvar="HEDDLE_LOAD_TEST_CONSENT", help="The secret by which a public target consents."),
    ] = "",
    inbox_at: Annotated[str, typer.Option(help="Send to inboxes here instead: http://host:port.")] = "",
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Mean requests per second, instead of the scenario's.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Length, instead of the scenario's; of a knee's stages.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same run.")] = 1,
    generators: Annotated[int, typer.Option(min=1, max=64, help="Processes that send.")] = 1,
    signers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that sign, for each that sends.")
    ] = 1,
    domain: Annotated[str, typer.Option(help="Where the simulated servers' names lie.")] = DOMAIN,
    by: Annotated[str, typer.Option(help="How servers differ: name or port.")] = "name",
    listen: Annotated[str, typer.Option(help="Address on which the simulated servers listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Their port, the first one with --by port.")
    ] = PORT,
    limit: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE, a threshold over the scenario's; see `limits`.")
    ] = None,
    own_account: Annotated[
        bool, typer.Option(help="Make @loadtest where the environment is that of the target.")
    ] = True,
    out: Folder = _FOLDER,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a scenario and report. Effects are read from the database where the environment is the target's."""
    chosen, settings = scenario.load(name), _settings(target)
    options = Options(
        origin=target.rstrip("/"),
        recipients=recipient or [],
        token=token,
        consent=consent,
        inbox_at=inbox_at,
        rate=rate,
        seconds=seconds,
        seed=seed,
        generators=generators,
        signers=signers,
        domain=domain,
        style=_style(by),
        listen=listen,
        port=port,
        folder=out,
        limits=_limits(limit or []),
        own_account=own_account,
    )
    console = terminal(stderr=True, quiet=quiet)
    report = _perform(chosen, options, settings, console)
    folder = out / report.name
    results.write(report, folder)
    page = write_page(report, folder)
    if as_json:
        sys.stdout.write((folder / "report.json").read_text() + "\n")
    else:
        show(report, terminal())
    console.print(f"Report: {page}", highlight=False, soft_wrap=True)
    raise typer.Exit(_code(report))


def _perform(chosen: Scenario, options: Options, settings: Settings, console: Console) -> Report:
    with Progress(console) as live:
        one = Run(chosen, options, settings, live)

        async def perform() -> Report:
            # The first Ctrl-C ends the sending, the second one everything.
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, _interrupt, loop, number, one)
            return await one.go()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(perform())


def _interrupt(loop: asyncio.AbstractEventLoop, number: int, one: Run) -> None:
    one.interrupt()
    loop.remove_signal_handler(number)


def _code(report: Report) -> int:
    if report.verdict == "interrupted":
        return INTERRUPTED
    return 0 if report.passed else FAILED


@app.command("report")
def report(
    which: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="Folder or JSON file; the newest otherwise.")
    ] = None,
    *,
    out: Folder = _FOLDER,
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
    raise typer.Exit(_code(told))


@app.command("compare")
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


@app.command("scenarios")
def scenarios() -> None:
    """List the scenarios that come with the generator."""
    width = max(map(len, scenario.shipped()))
    for known, title in scenario.shipped().items():
        typer.echo(f"{known:{width}}  {title}")


@app.command("limits")
def limits() -> None:
    """List what --limit and a scenario's [limits] can be set on."""
    width = max(map(len, LIMITS))
    for known, meaning in LIMITS.items():
        typer.echo(f"{known:{width}}  {meaning}")


@app.command("capacity")
def capacity(
    *,
    out: Folder = _FOLDER,
    seconds: Annotated[float, typer.Option(min=1, help="How long each measurement takes.")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the generator itself: requests sent and deliveries taken in by one core each."""
    enough = measure_capacity(out / "keys", seconds=seconds, as_json=as_json, console=terminal())
    raise typer.Exit(0 if enough else FAILED)


@app.command("generate", hidden=True)
def generate() -> None:
    """Be one of a run's generators."""
    generator.main()


@app.command("serve", hidden=True)
def serve() -> None:
    """Be a run's simulated fediverse."""
    fediverse.main()


def main() -> None:
    """Run a command; whatever goes wrong is one plain line on standard error."""
    try:
        app(prog_name="heddle load")
    except SettingsError as error:
        for problem in error.problems:
            _complain(problem)
        sys.exit(USAGE)
    except (ScenarioError, NotAReport) as error:
        _complain(str(error))
        sys.exit(USAGE)
    except (Rejected, Unavailable) as error:
        _complain(str(error) or error.reason)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def terminal(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Return where to write; what is no terminal is wide enough for every table."""
    file = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, quiet=quiet, width=None if file.isatty() else _PIPED_WIDTH)


def _complain(text: str) -> None:
    sys.stderr.write(f"heddle load: {' '.join(text.split())}\n")


def _settings(target: str) -> Settings:
    """Return the site's settings where they are those of the target, else empty ones."""
    own = os.environ.get("HEDDLE_ORIGIN", "").rstrip("/") == target.rstrip("/")
    return load_settings(os.environ if own else {})


def _style(by: str) -> Style:
    if by == "name":
        return "name"
    if by == "port":
        return "port"
    raise typer.BadParameter(f"--by is name or port, not {by!r}")


def _limits(given: list[str]) -> dict[str, float]:
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        if name not in LIMITS:
            raise typer.BadParameter(f"there is no limit {name!r}; there are {', '.join(LIMITS)}")
        try:
            found[name] = float(value)
        except ValueError:
            raise typer.BadParameter(f"--limit {text!r}: a limit is NAME=NUMBER") from None
    return found
