"""What the command line says of a run."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from services.load_generator.population import DOMAIN, Style

PORT = 8470
FOLDER = Path(".local/load")

Folder = Annotated[Path, typer.Option("--out", help="Where runs and keys are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the JSON report on standard output.")]


class Options(Struct, frozen=True, kw_only=True):
    """To whom, and how.

    `rate` and `seconds` change the scenario's; `inbox_at` is where to connect to for inboxes instead of the
    origin; `own_account` lets the run make an account of its own where the site is ours.
    """

    origin: str
    recipients: list[str] = []
    token: str = ""
    consent: str = ""
    inbox_at: str = ""
    rate: float | None = None
    seconds: float | None = None
    seed: int = 1
    generators: int = 1
    signers: int = 2
    domain: str = DOMAIN
    style: Style = "name"
    listen: str = "127.0.0.1"
    port: int = PORT
    folder: Path = FOLDER
    limits: dict[str, float] = {}
    own_account: bool = True
