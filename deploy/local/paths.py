"""Where things lie. Standard library only: the bootstrap runs before anything is installed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
VENV = ROOT / ".venv"
RUNTIME = LOCAL / "runtime"


class SetupError(Exception):
    """Something on this machine stands in the way; the message says what to do, in one line."""


class Interrupted(Exception):
    """Nobody wants this any more: Ctrl-C or SIGTERM came while it was under way."""


@dataclass(frozen=True, kw_only=True)
class Home:
    """The folder of one set of servers and sites: its data, its logs and its state."""

    folder: Path

    @property
    def data(self) -> Path:
        """What must outlive a restart: the data folders of Postgres and RabbitMQ, generated passwords."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """One log file per process."""
        return self.folder / "log"

    @property
    def state(self) -> Path:
        """What the supervisor says about its processes, as JSON."""
        return self.folder / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the supervisor for as long as it lives."""
        return self.folder / "supervisor.lock"

    @property
    def story(self) -> Path:
        """There once the first-run story was played to its end. It goes with the data it made."""
        return self.data / "story-played"


TEST_HOME = Home(folder=LOCAL / "test")


def sites_home() -> Home:
    """Where the local sites live: `.local`, or the folder that HEDDLE_LOCAL_HOME names."""
    return Home(folder=Path(os.environ.get("HEDDLE_LOCAL_HOME") or LOCAL).resolve())
