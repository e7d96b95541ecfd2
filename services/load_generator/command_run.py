"""`heddle load run`: from the command line to a run, its report and its exit code."""

import asyncio
import os
import signal
import sys
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from services.load_generator import results, scenario
from services.load_generator.live import Progress
from services.load_generator.options import FOLDER, PORT, AsJson, Folder, Options
from services.load_generator.page import write_page
from services.load_generator.population import DOMAIN, Style
from services.load_generator.results import Report
from services.load_generator.run import Run
from services.load_generator.scenario import LIMITS, Scenario
from services.load_generator.summary import show
from services.load_generator.terminal import code_of, terminal
from shared.runtime.settings import Settings, load_settings


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
    ] = 2,
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
    out: Folder = FOLDER,
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
    raise typer.Exit(code_of(report))


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
