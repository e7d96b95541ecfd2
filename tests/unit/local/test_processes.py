"""Processes: started in a session of their own, ended only when they are ours."""

import dataclasses
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import Process, Program, end, in_short, is_alive, record_of, start

SLEEP = "import time; print('awake', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


def program(folder: Path, code: str, grace: float = 5.0) -> Program:
    """A Python program with its log in the folder."""
    return Program(
        name="sleeper",
        argv=[sys.executable, "-c", code],
        environment=dict(os.environ),
        log=folder / "log" / "sleeper.log",
        cwd=folder,
        grace=grace,
    )


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    """A process that does nothing for a minute."""
    process = start(program(tmp_path, SLEEP))
    yield process
    process.handle.kill()
    process.handle.wait()


def wait_for_log(process: Process) -> None:
    """Return once the program has said its first word."""
    while "awake" not in process.last_words():
        assert process.exit_code is None


def test_a_stopped_process_is_gone(sleeper: Process) -> None:
    """Asking to stop and waiting ends it by the signal that was asked for."""
    sleeper.ask_to_stop()
    sleeper.wait()
    assert sleeper.exit_code == -signal.SIGTERM
    assert not is_alive(sleeper.record)


def test_a_stubborn_process_is_killed_after_its_grace(tmp_path: Path) -> None:
    """What does not heed the signal is killed when its time is up."""
    process = start(program(tmp_path, STUBBORN, grace=0.1))
    wait_for_log(process)
    process.ask_to_stop()
    process.wait()
    assert process.exit_code == -signal.SIGKILL


def test_ctrl_c_in_the_terminal_does_not_reach_it(sleeper: Process) -> None:
    """It has a session of its own, so the terminal's signals go to the supervisor alone."""
    assert os.getsid(sleeper.record.pid) == sleeper.record.pid


def test_left_behind_processes_are_ended(sleeper: Process) -> None:
    """A record from before a crash is enough to end what it names."""
    assert end([sleeper.record]) == [sleeper.record]
    assert not is_alive(sleeper.record)


def test_a_process_id_that_was_used_again_is_spared(sleeper: Process) -> None:
    """Another program that happens to have the number of one of ours is not touched."""
    old = dataclasses.replace(sleeper.record, created=sleeper.record.created - 100)
    assert not is_alive(old)
    assert end([old]) == []
    assert is_alive(record_of("sleeper", sleeper.record.pid))


def test_last_words_come_from_the_log(tmp_path: Path) -> None:
    """What a program says before it ends is there to be told."""
    process = start(program(tmp_path, "print('HEDDLE_ORIGIN is not set'); print()"))
    process.handle.wait()
    assert process.last_words() == "HEDDLE_ORIGIN is not set"


@pytest.mark.parametrize(
    ("line", "short"),
    [
        ("  plain words \n", "plain words"),
        ('{"event":"started","port":1}', '{"event":"started","port":1}'),
        (
            '{"event":"service_failed","exception":"Traceback\\n  File x\\nOSError: no"}',
            "service_failed: OSError: no",
        ),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_a_log_line_is_told_in_short(line: str, short: str) -> None:
    """Of a structured line the event and the error are told, not the whole traceback."""
    assert in_short(line) == short


def test_what_may_lag_leaves_the_processor_to_others(tmp_path: Path) -> None:
    """A program that yields runs with that much more niceness than we do, and no other does."""
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    for yields in (0, 3):
        process = start(dataclasses.replace(program(tmp_path, SLEEP), yields=yields))
        try:
            assert os.getpriority(os.PRIO_PROCESS, process.handle.pid) == min(ours + yields, 19)
        finally:
            process.handle.kill()
            process.handle.wait()
