"""Processes that we start, and those a crash left behind. None but our own are ever ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_TAIL = 16 * 1024
_SILENT = "no word in its log"
LOG_LIMIT = 20 * 1024 * 1024
"""Bytes. A longer log is put aside at the next start."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to start, and how to ask it to stop."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    cwd: Path
    user: int | None = None
    """Where given, it runs as this user, with the user's own group alone."""
    yields: int = 0
    """How much of the processor it leaves to the others where there is too little: added to our niceness."""
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 15.0


@dataclass(frozen=True, kw_only=True)
class Record:
    """Names one process beyond doubt: a process id is used again, one with its start time is not."""

    name: str
    pid: int
    created: float


@dataclass(kw_only=True)
class Process:
    """A running program."""

    program: Program
    handle: subprocess.Popen[bytes]
    record: Record
    started: float = field(default_factory=time.monotonic)

    @property
    def exit_code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self.handle.poll()

    def ask_to_stop(self) -> None:
        """Send the signal on which it finishes what it has in hand."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                self.handle.send_signal(self.program.stop_signal)

    def wait(self) -> None:
        """Wait for its end; past its grace period, end it with all it started."""
        try:
            self.handle.wait(self.program.grace)
        except subprocess.TimeoutExpired:
            _kill_group(self.record.pid)
            self.handle.wait()

    def last_words(self) -> str:
        """The last line of its log, which mostly tells why it ended."""
        if not self.program.log.exists():
            return _SILENT
        with self.program.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
            lines = log.read().decode(errors="replace").splitlines()
        return in_short(next((line for line in reversed(lines) if line.strip()), _SILENT))


def in_short(line: str) -> str:
    """What matters in a line of a log: of a structured one the event and what went wrong."""
    try:
        fields = json.loads(line)
        event = str(fields.get("event", ""))
        detail = str(fields.get("exception") or fields.get("error") or fields.get("problem") or "").strip()
    except (ValueError, AttributeError):
        return line.strip()
    return f"{event}: {detail.splitlines()[-1]}" if detail else line.strip()


def start(program: Program) -> Process:
    """Start a program in a session of its own, so that Ctrl-C in the terminal reaches only the supervisor."""
    program.log.parent.mkdir(parents=True, exist_ok=True)
    if program.log.exists() and program.log.stat().st_size > LOG_LIMIT:
        program.log.replace(program.log.with_suffix(".log.1"))
    with program.log.open("ab") as log:
        handle = subprocess.Popen(
            list(program.argv),
            env=dict(program.environment),
            cwd=program.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=program.user,
            group=program.user,
            extra_groups=None if program.user is None else [],
        )
    if program.yields:
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, handle.pid, os.getpriority(os.PRIO_PROCESS, 0) + program.yields)
    return Process(program=program, handle=handle, record=record_of(program.name, handle.pid))


def record_of(name: str, pid: int) -> Record:
    """Describe a process for later."""
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        created = 0.0
    return Record(name=name, pid=pid, created=created)


def is_alive(record: Record) -> bool:
    """Tell whether that very process still runs."""
    return _find(record) is not None


def end(records: Iterable[Record], grace: float = 10.0) -> list[Record]:
    """End processes of ours that a crashed supervisor left behind; return those that were there."""
    found = [(record, process) for record in records if (process := _find(record))]
    for _, process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs([process for _, process in found], timeout=grace)
    for process in stubborn:
        _kill_group(process.pid)
    psutil.wait_procs(stubborn, timeout=grace)
    return [record for record, _ in found]


def _find(record: Record) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.created) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _kill_group(pid: int) -> None:
    # Every program of ours leads its own session, so its group holds what it started and nothing else.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
