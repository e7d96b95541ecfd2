"""`heddle`: what operators do, as commands. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."""

import os
import sys

import typer

from services.operator_console.commands import (
    account,
    block,
    dead,
    delivery,
    doctor,
    follow,
    host,
    load,
    migrate,
    post,
    prune,
    queue,
    relay,
    report,
    token,
    trace,
)
from shared.protocol.errors import Rejected, Unavailable
from shared.runtime.settings import SettingsError

FAILED = 1
USAGE = 2
INTERRUPTED = 130

app = typer.Typer(
    name="heddle",
    help="Operate a Heddle site. Settings come from the environment (HEDDLE_…).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("migrate")(migrate.migrate_database)
app.add_typer(account.app, name="account")
app.add_typer(token.app, name="token")
app.command("post")(post.write_post)
app.command("follow")(follow.follow_account)
app.add_typer(queue.app, name="queue")
app.add_typer(dead.app, name="dead")
app.add_typer(host.app, name="host")
app.add_typer(block.app, name="block")
app.add_typer(report.app, name="report")
app.add_typer(relay.app, name="relay")
app.command("prune")(prune.prune_store)
app.command("delivery")(delivery.show_delivery)
app.command("trace")(trace.show_trace)
app.command("load", context_settings=load.PASS_THROUGH)(load.run_load_generator)
app.command("doctor")(doctor.examine)


def main() -> None:
    """Run a command and exit with its code; whatever goes wrong is one plain line on standard error."""
    try:
        app()
    except SettingsError as error:
        for problem in error.problems:
            _complain(problem)
        sys.exit(USAGE)
    except (Rejected, Unavailable) as error:
        _complain(str(error) or error.reason)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader has seen enough; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except Exception as error:
        if os.environ.get("HEDDLE_LOG_LEVEL") == "debug":
            raise
        _complain(f"{type(error).__name__}: {error} (HEDDLE_LOG_LEVEL=debug shows where)")
        sys.exit(FAILED)


def _complain(text: str) -> None:
    sys.stderr.write(f"heddle: {' '.join(text.split())}\n")


if __name__ == "__main__":
    main()
