"""The servers that tests run against: embedded, on free ports, fresh, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from threading import Event

from deploy.local import postgres, state
from deploy.local.fetch import browser_environment
from deploy.local.paths import ROOT, TEST_HOME, Home
from deploy.local.ports import free_server_ports
from deploy.local.processes import Process, Record, end, record_of
from deploy.local.say import say
from deploy.local.servers import Servers, Source, Sources
from deploy.local.sites import PYTHON

_WORKERS_PER_CORE = 2
"""Many tests wait: for an effect, for the end of an outage, for a process to start."""
MOST_WORKERS = 8
_EMBEDDED = Sources(broker=Source.EMBEDDED, database=Source.EMBEDDED)


@contextlib.contextmanager
def servers_for_tests(home: Home = TEST_HOME, *, durable: bool = False) -> Iterator[dict[str, str]]:
    """Run a broker and a database; yield the environment that tests read.

    Args:
        home: Where they keep their data.
        durable: Whether they pay for what outlives the machine, as benchmarks must.

    Raises:
        SetupError: they do not start, or another run of the tests uses them.
    """
    processes: list[Process] = []
    with state.held(home):
        _start_afresh(home)
        servers = Servers(home, free_server_ports(), _EMBEDDED, {}, durable=durable)

        def started(process: Process) -> None:
            processes.append(process)
            _note(home, servers, processes)

        try:
            servers.start(started, Event(), databases=(), vhosts=())
            yield {
                "HEDDLE_TEST_DATABASE_URL": servers.addresses.database("postgres"),
                "HEDDLE_TEST_BROKER_URL": servers.addresses.vhost("/"),
                "HEDDLE_TEST_MANAGEMENT_URL": servers.addresses.management_url,
            }
        finally:
            for process in reversed(processes):
                process.ask_to_stop()
                process.wait()
            _forget(home)


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest with all it needs; return its exit code."""
    if not any(argument.startswith("-n") for argument in arguments):
        # By file: what a file's tests share is then made once. In our order: xdist's own begins with files
        # of many tests, and those of few but long ones would be left to the end.
        workers = min(_WORKERS_PER_CORE * (os.cpu_count() or 1), MOST_WORKERS)
        arguments = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder", *arguments]
    given = os.environ.get("HEDDLE_TEST_DATABASE_URL") and os.environ.get("HEDDLE_TEST_BROKER_URL")
    with contextlib.ExitStack() as stack:
        environment = {} if given else stack.enter_context(servers_for_tests())
        environment |= browser_environment()
        say("running the tests")
        # They start hundreds of processes, each of which would compile every module that it imports.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        pytest = subprocess.Popen([PYTHON, "-m", "pytest", *arguments], cwd=ROOT, env={**kept, **environment})
        # Ctrl-C reaches pytest, too; it closes with its summary, which is worth waiting for.
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return pytest.wait()


def _start_afresh(home: Home) -> None:
    if before := state.read(home):
        end(Record(name=p.name, pid=p.pid, created=p.created) for p in reversed(before.processes))
    _forget(home)
    shutil.rmtree(home.log, ignore_errors=True)


def _forget(home: Home) -> None:
    postgres.forget(home)
    shutil.rmtree(home.data, ignore_errors=True)
    home.state.unlink(missing_ok=True)


def _note(home: Home, servers: Servers, processes: Sequence[Process]) -> None:
    me = record_of("tests", os.getpid())
    running = tuple(
        state.ProcessState(
            name=process.record.name, pid=process.record.pid, created=process.record.created, restarts=0
        )
        for process in processes
    )
    state.write(
        home,
        state.State(
            pid=me.pid,
            created=time.time(),
            phase="testing",
            shift=0,
            broker="",
            broker_source=servers.sources.broker,
            management="",
            database="",
            database_source=servers.sources.database,
            processes=running,
        ),
    )
