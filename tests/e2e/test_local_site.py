"""What `make up`, `make status` and `make down` do: two sites from nothing, kept running, gone again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from msgspec import Struct
from msgspec.json import decode

from deploy.local.paths import ROOT, VENV, SetupError
from deploy.local.ports import refuse_taken, server_ports
from deploy.local.sites import SERVICES, local_sites

pytestmark = pytest.mark.timeout(300)

BELOW_EPHEMERAL = range(2000, 7000, 211)
PATIENCE = 60.0


class Service(Struct):
    """A service as the status lists it."""

    service: str
    pid: int | None
    url: str | None
    ops_url: str
    ready: bool
    restarts: int


class Site(Struct):
    """A site as the status lists it."""

    origin: str
    services: list[Service]
    front_pid: int | None


class Server(Struct):
    """The broker or the database as the status lists it."""

    source: str
    pid: int | None


class Status(Struct):
    """What `status --json` prints, as far as it is read here."""

    phase: str
    supervisor_pid: int | None
    loom: Site
    mast: Site
    broker: Server | None
    database: Server | None


@dataclass(frozen=True, kw_only=True)
class Local:
    """A pair of sites in a folder of their own, on ports of their own."""

    folder: Path
    shift: int

    def do(self, *verb: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m deploy.local` as make does."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEDDLE_")}
        ours = {"HEDDLE_LOCAL_HOME": str(self.folder), "HEDDLE_LOCAL_PORT_SHIFT": str(self.shift)}
        return subprocess.run(
            [sys.executable, "-m", "deploy.local", *verb],
            cwd=ROOT,
            env=kept | ours,
            capture_output=True,
            text=True,
            check=False,
        )

    def status(self) -> Status:
        """Look at what runs."""
        return decode(self.do("status", "--json").stdout, type=Status)

    def processes(self) -> list[psutil.Process]:
        """Every process of the sites and their servers."""
        now = self.status()
        found = [service.pid for site in (now.loom, now.mast) for service in site.services]
        found += [now.loom.front_pid, now.mast.front_pid, now.supervisor_pid]
        found += [server.pid for server in (now.broker, now.database) if server]
        return [psutil.Process(pid) for pid in found if pid]


def a_free_shift() -> int:
    """Find ports that nobody uses, outside of those that the kernel hands out."""
    for shift in BELOW_EPHEMERAL:
        try:
            refuse_taken(server_ports(shift).named())
            for site in local_sites(shift):
                refuse_taken(site.ports_in_use())
        except SetupError:
            continue
        return shift
    raise AssertionError("no free ports")


def until(reached: Callable[[], bool], what: str) -> None:
    """Return once it is so; fail when it never is."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)


def still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended."""
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """Two sites, started from nothing; the story was played."""
    local = Local(folder=tmp_path_factory.mktemp("local"), shift=a_free_shift())
    try:
        up = local.do("up")
        assert up.returncode == 0, up.stdout + up.stderr
        assert "The story is told" in up.stdout
        yield local
    finally:
        local.do("down")
        local.do("clean")


def test_the_status_lists_every_service(local: Local) -> None:
    """Programs learn pid and addresses of each service of both sites, and each is ready."""
    now = local.status()
    assert now.phase == "ready"
    for site in (now.loom, now.mast):
        assert [service.service for service in site.services] == list(SERVICES)
        assert all(service.pid and service.ready for service in site.services)
        assert {service.service for service in site.services if service.url} == {
            "inbox-receiver",
            "platform-gateway",
            "operator-console",
        }


def test_the_environment_files_make_an_operator(local: Local) -> None:
    """Sourcing a site's file is all that `heddle` needs."""
    script = f"set -a; . {local.folder}/mast.env; {VENV}/bin/heddle account list --json"
    answer = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "linus" in json.dumps(json.loads(answer.stdout))


def test_nothing_listens_beyond_loopback(local: Local) -> None:
    """No process of ours, server or service, can be reached from another machine."""
    processes = local.processes()
    listening = [
        connection.laddr.ip
        for process in {*processes, *(child for one in processes for child in one.children(recursive=True))}
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > len(SERVICES) * 2
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_a_killed_service_is_started_again(local: Local) -> None:
    """A service that dies is back, under a new pid, and ready."""
    before = local.status().loom.services[0]
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)

    def back() -> bool:
        now = local.status().loom.services[0]
        return now.pid not in {None, before.pid} and now.ready and now.restarts == before.restarts + 1

    until(back, "the inbox-receiver")


def test_a_second_start_finds_them_running(local: Local) -> None:
    """`up` is safe to repeat: it starts nothing twice, and plays no story twice."""
    before = local.processes()
    again = local.do("up")
    assert again.returncode == 0
    assert "http://loom.localhost" in again.stdout
    assert "The story is told" not in again.stdout
    assert local.processes() == before


def test_a_crash_of_the_supervisor_is_cleaned_up(local: Local) -> None:
    """What a killed supervisor leaves behind is ended by the next start, which finds the same data."""
    before = local.processes()
    supervisor = local.status().supervisor_pid
    assert supervisor
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: local.status().phase == "stopped", "the supervisor's end")
    up = local.do("up")
    assert up.returncode == 0, up.stderr
    assert "a crash had left behind" in up.stderr
    assert not still_running(before)
    assert "The story is told" not in up.stdout


def test_down_leaves_nothing_running(local: Local) -> None:
    """After `down` no process of ours is left, and every port is free."""
    before = local.processes()
    down = local.do("down")
    assert down.returncode == 0, down.stderr
    assert not still_running(before)
    refuse_taken(server_ports(local.shift).named())
    assert local.status().phase == "stopped"
