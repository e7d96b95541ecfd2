"""`heddle load`: load tests. They run as a process of their own, with this terminal as theirs."""

import signal
import subprocess
import sys

import typer

PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Every argument, --help too, belongs to the load generator."""


def run_load_generator(context: typer.Context) -> None:
    """Load-test federation traffic: run, report, compare, scenarios, limits, capacity."""
    command = [sys.executable, "-m", "services.load_generator", *context.args]
    # Ctrl-C reaches both; the generator ends in order and says what was found so far.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # The arguments are those of whoever typed the command, and no shell reads them.
        done = subprocess.run(command, check=False, preexec_fn=_hear_interrupts)  # noqa: S603
    finally:
        signal.signal(signal.SIGINT, before)
    raise typer.Exit(done.returncode)


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
