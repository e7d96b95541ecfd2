"""The `heddle` command as a process of its own, with the environment of one site."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from tests import forked

SECRET = "a secret of at least thirty-two characters"
ORIGIN = "http://loom.localhost:8080"


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> object:
        """Standard output as JSON."""
        return msgspec.json.decode(self.out)

    def records(self) -> list[dict[str, object]]:
        """Standard output as a list of JSON objects."""
        return msgspec.json.decode(self.out, type=list[dict[str, object]])

    def record(self) -> dict[str, object]:
        """Standard output as one JSON object."""
        return msgspec.json.decode(self.out, type=dict[str, object])


@dataclass(frozen=True)
class Heddle:
    """Runs commands for one site.

    Args:
        settings: The environment's `HEDDLE_` variables.
    """

    settings: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, *arguments: str, code: int = 0, **more: str) -> Outcome:
        """Run a command, which must end with `code` and never with a traceback."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEDDLE_")}
        environment = {**kept, **self.settings, **more}
        outcome = Outcome(*await forked.run("services.operator_console.cli", arguments, environment))
        assert outcome.code == code, f"heddle {' '.join(arguments)}: {outcome}"
        assert "Traceback" not in outcome.err
        return outcome
