"""What the supervisor tells others about its processes, in a file."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from deploy.local.paths import Home, SetupError


class ProcessState(Struct, frozen=True, kw_only=True):
    """One program. `pid` and `created` name its process; `pid` is 0 between an end and the next start."""

    name: str
    pid: int
    created: float
    restarts: int


class State(Struct, frozen=True, kw_only=True):
    """Everything. `phase` is starting, ready or stopping."""

    pid: int
    created: float
    phase: str
    shift: int
    broker: str
    broker_source: str
    management: str
    database: str
    database_source: str
    processes: tuple[ProcessState, ...] = ()

    def process(self, name: str) -> ProcessState | None:
        """Find one program."""
        return next((process for process in self.processes if process.name == name), None)


def write(home: Home, state: State) -> None:
    """Put the state in place of the one before; a reader sees one or the other, never half."""
    home.folder.mkdir(parents=True, exist_ok=True)
    part = home.state.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(state))
    part.replace(home.state)


def read(home: Home) -> State | None:
    """Read the last state that was written; None where there is none that makes sense."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(home.state.read_bytes(), type=State)
    return None


@contextlib.contextmanager
def held(home: Home) -> Iterator[None]:
    """Be the only supervisor of a home; the kernel lets go of the lock however the process ends.

    Raises:
        SetupError: another one is at work.
    """
    home.folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(home.lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SetupError(
            "The local sites run already; `make status` shows them, `make down` stops them."
        ) from None
    else:
        yield
    finally:
        os.close(handle)


def is_held(home: Home) -> bool:
    """Tell whether a supervisor is at work."""
    try:
        with held(home):
            return False
    except SetupError:
        return True
