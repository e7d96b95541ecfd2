"""Keeps the processes of the local sites running: servers first, then migrations, services and fronts."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from types import FrameType

from deploy.local import state
from deploy.local.paths import ROOT, VENV, Home, Interrupted, SetupError
from deploy.local.ports import refuse_taken
from deploy.local.processes import Process, Program, Record, end, record_of, start
from deploy.local.restarts import Pause
from deploy.local.say import say
from deploy.local.servers import Servers
from deploy.local.sites import SERVICES, Site, ordinary_environment
from deploy.local.status import is_ready, trouble
from deploy.local.urls import without_password

READY_WITHIN = 60.0
_GLANCE_EVERY = 0.25
_WRONG_CONFIGURATION = 2
_TRIES = 3


@dataclass(kw_only=True)
class Watched:
    """One program, its process if it runs, and when it is due to be started again."""

    program: Program
    process: Process | None = None
    pause: Pause = field(default_factory=Pause)
    due: float = 0.0
    restarts: int = 0


class Supervisor:
    """Runs a set of sites with their servers until told to stop.

    Args:
        home: The folder for data, logs and state.
        shift: How far all ports are moved.
        servers: The broker and the database.
        sites: What runs on them.
    """

    def __init__(self, home: Home, shift: int, servers: Servers, sites: Sequence[Site]) -> None:
        self._home = home
        self._shift = shift
        self._servers = servers
        self._sites = sites
        self._watched: list[Watched] = []
        self._lock = Lock()
        self._stopping = Event()
        self._phase = "starting"

    def run(self, when_ready: Callable[[Event], bool], *, detached: bool) -> bool:
        """Start everything, do what is to be done once it is ready, and keep it running.

        Args:
            when_ready: Called in a thread once all is ready, with the event that is set when all is to stop.
                False stops everything.
            detached: Whether to go on when the process that started this one is gone.

        Returns:
            False when `when_ready` said so.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        parent = None if detached else os.getppid()
        with state.held(self._home):
            try:
                self._start()
                with ThreadPoolExecutor(1) as pool:
                    outcome = pool.submit(when_ready, self._stopping)
                    outcome.add_done_callback(self._stop_unless_well)
                    self._keep_running(parent)
                    return outcome.result()
            except Interrupted:
                return True
            finally:
                self._stop()

    def _start(self) -> None:
        self._clean_up()
        self._check_ports()
        self._publish()
        self._servers.start_containers()
        with ThreadPoolExecutor(2) as pool:
            environments = pool.submit(self._prepare_database)
            broker = pool.submit(
                self._servers.start_broker, self._adopt, self._stopping, [site.name for site in self._sites]
            )
        broker.result()
        self._start_sites(environments.result())

    def _prepare_database(self) -> dict[str, dict[str, str]]:
        """Start Postgres and migrate, which needs no broker; return each site's environment."""
        names = [site.database for site in self._sites]
        self._servers.start_database(self._adopt, self._stopping, names)
        environments = {
            site.name: site.settle_environment(self._home, self._servers.addresses) for site in self._sites
        }
        with ThreadPoolExecutor(len(self._sites)) as pool:
            list(pool.map(lambda site: self._migrate(site, environments[site.name]), self._sites))
        return environments

    def _start_sites(self, environments: Mapping[str, Mapping[str, str]]) -> None:
        names = " and ".join(site.name for site in self._sites)
        say(f"starting {len(SERVICES)} services for each of {names}")
        for site in self._sites:
            for program in site.programs(self._home, environments[site.name]):
                self._adopt(start(program))
        self._await_readiness()
        self._phase = "ready"
        self._publish()

    def _clean_up(self) -> None:
        before = state.read(self._home)
        if before is None:
            return
        left = [Record(name=p.name, pid=p.pid, created=p.created) for p in before.processes if p.pid]
        if ended := end(reversed(left), grace=20.0):
            say(f"ended {len(ended)} processes that a crash had left behind")
        self._home.state.unlink(missing_ok=True)

    def _check_ports(self) -> None:
        refuse_taken(self._servers.ports_in_use())
        for site in self._sites:
            refuse_taken(site.ports_in_use())

    def _migrate(self, site: Site, environment: Mapping[str, str]) -> None:
        answer = subprocess.run(
            [VENV / "bin/heddle", "migrate"],
            env={**ordinary_environment(), **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        log = self._home.log / f"{site.name}-migrate.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(answer.stdout + answer.stderr)
        if answer.returncode:
            last = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise SetupError(f"The migration of {site.name} failed: {last} (see {log})")

    def _adopt(self, process: Process) -> None:
        with self._lock:
            self._watched.append(Watched(program=process.program, process=process))
            self._publish_unlocked()

    def _await_readiness(self) -> None:
        waiting = {
            (site.name, service): site.ops_url(service) for site in self._sites for service in SERVICES
        }
        deadline = time.monotonic() + READY_WITHIN
        while waiting := {key: url for key, url in waiting.items() if not is_ready(url)}:
            self._give_up_on_the_hopeless()
            self._restart_ended()
            if time.monotonic() > deadline:
                late = "; ".join(f"{'/'.join(key)} ({trouble(url)})" for key, url in waiting.items())
                raise SetupError(f"Not ready after {READY_WITHIN:.0f} s: {late}. See {self._home.log}.")
            if self._stopping.wait(_GLANCE_EVERY):
                raise Interrupted
        say("all services are ready")

    def _give_up_on_the_hopeless(self) -> None:
        for watched in self._watched:
            process = watched.process
            wrong = process is not None and process.exit_code == _WRONG_CONFIGURATION
            if process and process.exit_code is not None and (wrong or watched.restarts >= _TRIES):
                raise SetupError(f"{watched.program.name} does not start: {process.last_words()}")

    def _keep_running(self, parent: int | None) -> None:
        while not self._stopping.wait(_GLANCE_EVERY):
            self._restart_ended()
            if parent not in {None, os.getppid()}:
                self._stopping.set()

    def _restart_ended(self) -> None:
        for watched in self._watched:
            process = watched.process
            if process is not None and process.exit_code is not None:
                self._note_end(watched, process)
            elif process is None and time.monotonic() >= watched.due:
                watched.process = start(watched.program)
                watched.restarts += 1
                self._publish()

    def _note_end(self, watched: Watched, process: Process) -> None:
        watched.pause = watched.pause.after(time.monotonic() - process.started)
        watched.due = time.monotonic() + watched.pause.seconds
        code = process.exit_code or 0
        why = f"by signal {-code}" if code < 0 else f"with {code} ({process.last_words()[:200]})"
        say(f"{watched.program.name} ended {why}; it is started again in {watched.pause.seconds:.1f} s")
        watched.process = None
        self._publish()

    def _stop(self) -> None:
        self._phase = "stopping"
        self._publish()
        servers = [w for w in self._watched if "/" not in w.program.name]
        rest = [w for w in self._watched if "/" in w.program.name]
        if self._watched:
            say("stopping")
        _stop_all(reversed(rest))
        # The broker before its port mapper, the database last: the others write to it until they end.
        for watched in reversed(servers):
            _stop_all([watched])
        self._servers.stop_containers()
        self._home.state.unlink(missing_ok=True)
        if self._watched:
            say("stopped")

    def _stop_unless_well(self, done: Future[bool]) -> None:
        if done.exception() or not done.result():
            self._stopping.set()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _publish(self) -> None:
        with self._lock:
            self._publish_unlocked()

    def _publish_unlocked(self) -> None:
        addresses = self._servers.addresses
        me = record_of("supervisor", os.getpid())
        now = state.State(
            pid=me.pid,
            created=me.created,
            phase=self._phase,
            shift=self._shift,
            broker=without_password(addresses.broker_url),
            broker_source=self._servers.sources.broker,
            management=without_password(addresses.management_url),
            database=without_password(addresses.database_url),
            database_source=self._servers.sources.database,
            processes=tuple(_describe(watched) for watched in self._watched),
        )
        state.write(self._home, now)


def _describe(watched: Watched) -> state.ProcessState:
    record = watched.process.record if watched.process else Record(name="", pid=0, created=0.0)
    return state.ProcessState(
        name=watched.program.name, pid=record.pid, created=record.created, restarts=watched.restarts
    )


def _stop_all(watched: Iterable[Watched]) -> None:
    running = [one.process for one in watched if one.process is not None]
    for process in running:
        process.ask_to_stop()
    for process in running:
        process.wait()
