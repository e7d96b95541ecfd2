"""What commands print: tables for people, JSON for scripts, one plain line for what went wrong."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

Cell = str | int | float | bool | datetime | Enum | Sequence[str] | None
Row = Mapping[str, Cell]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
"""The option that every listing has."""

_PIPED_WIDTH = 10_000


def print_json(document: object) -> None:
    """Print one JSON document on a line of its own; an Enum is its name in lower case."""
    text = msgspec.json.encode(document, enc_hook=str)
    sys.stdout.write(text.decode() + "\n")


def print_rows(rows: Sequence[Row], columns: Mapping[str, str], *, as_json: bool, empty: str) -> None:
    """Print a listing.

    Args:
        rows: What was found.
        columns: Headings by the keys of a row; JSON has every key, a table these.
        as_json: Print a JSON list.
        empty: What a person reads where there is nothing.
    """
    if as_json:
        print_json([plain(row) for row in rows])
    elif not rows:
        sys.stderr.write(f"{empty}\n")
    else:
        print_table([{key: row[key] for key in columns} for row in rows], list(columns.values()))


def print_table(rows: Sequence[Row], headings: Sequence[str]) -> None:
    """Print rows as a table; where the output is no terminal, nothing is cut off."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, heading in enumerate(headings):
        numbers = all(isinstance(list(row.values())[place], int | float) for row in rows)
        table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row.values()))
    console().print(table)


def print_record(record: Row, *, as_json: bool) -> None:
    """Print one thing: a JSON object, or a line for each of its parts."""
    if as_json:
        print_json(plain(record))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, cell in record.items():
        table.add_row(key.replace("_", " "), _text(cell))
    console().print(table)


def console() -> Console:
    """Return where tables go; a pipe is as wide as it has to be."""
    return Console(
        width=None if sys.stdout.isatty() else _PIPED_WIDTH, highlight=False, markup=False, emoji=False
    )


def plain(row: Row) -> dict[str, object]:
    """Return a row as JSON has it."""
    return {key: cell.name.lower() if isinstance(cell, Enum) else cell for key, cell in row.items()}


def as_row(record: msgspec.Struct) -> Row:
    """Return the fields of a record as a row."""
    return msgspec.structs.asdict(record)


def note(text: str) -> None:
    """Tell a person something that is not the result."""
    sys.stderr.write(f"{text}\n")


def _text(cell: Cell) -> str:
    if cell is None or cell == "":
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, Enum):
        return cell.name.lower()
    if isinstance(cell, str | int | float):
        return f"{cell:.1f}" if isinstance(cell, float) else str(cell)
    return ", ".join(cell)
