"""`python -m deploy.local VERB`: what make calls."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec
import typer
from rich.console import Console

from deploy.local import commands
from deploy.local.paths import SetupError
from deploy.local.status import show

app = typer.Typer(help="The two local sites.", no_args_is_help=True, add_completion=False)


@app.command()
def run() -> None:
    """Run both sites in the foreground until Ctrl-C; play the story on their first start."""
    _finish(commands.run)


@app.command()
def up() -> None:
    """Run both sites in the background."""
    _finish(commands.up)


@app.command()
def down() -> None:
    """Stop both sites."""
    _finish(commands.down)


@app.command(hidden=True)
def supervise() -> None:
    """Run both sites for `up`."""
    _finish(commands.supervise)


@app.command()
def status(*, json: bool = typer.Option(False, "--json", help="For programs.")) -> None:
    """Show what runs where."""
    seen = commands.status()
    if json:
        print(msgspec.json.format(msgspec.json.encode(seen)).decode())
    else:
        show(seen, Console(width=max(Console().width, 140)))


@app.command()
def story(*, again: bool = typer.Option(False, help="Even if it was played before.")) -> None:
    """Play the first-run story on the running sites."""
    _finish(lambda: commands.story(again=again))


@app.command()
def clean() -> None:
    """Remove everything below .local."""
    _finish(commands.clean)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run pytest against servers of its own; further arguments go to pytest."""
    from deploy.local.testing import run_tests  # noqa: PLC0415 - the tests' own machinery

    _finish(lambda: run_tests(context.args))


def _finish(verb: Callable[[], int]) -> None:
    try:
        code = verb()
    except SetupError as problem:
        print(f"heddle: {problem}", file=sys.stderr)
        code = 1
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
