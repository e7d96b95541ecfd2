"""The command line of the load generator. Exit codes: 0 passed, 1 failed or invalid, 2 wrong usage."""

import sys

import typer

from services.load_generator import command_reports, command_run, fediverse, generator
from services.load_generator.results import NotAReport
from services.load_generator.scenario import ScenarioError
from services.load_generator.terminal import FAILED, INTERRUPTED, USAGE
from shared.protocol.errors import Rejected, Unavailable
from shared.runtime.settings import SettingsError

app = typer.Typer(
    name="heddle load",
    help="Put a server under the load of a simulated fediverse, and audit what came of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(command_run.run)
app.command("report")(command_reports.report)
app.command("compare")(command_reports.compare)
app.command("scenarios")(command_reports.scenarios)
app.command("limits")(command_reports.limits)
app.command("capacity")(command_reports.capacity)


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


def _complain(text: str) -> None:
    sys.stderr.write(f"heddle load: {' '.join(text.split())}\n")
