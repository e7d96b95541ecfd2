"""What runs where."""

from __future__ import annotations

import urllib.error
import urllib.request

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from deploy.local import state
from deploy.local.paths import Home
from deploy.local.processes import Record, is_alive
from deploy.local.sites import SERVICES, Site

_ANSWER_WITHIN = 3.0


class ServiceStatus(Struct, frozen=True, kw_only=True):
    """One service; `pid` is None while it does not run, `url` None where it serves no HTTP but health."""

    service: str
    pid: int | None
    url: str | None
    ops_url: str
    ready: bool
    restarts: int


class SiteStatus(Struct, frozen=True, kw_only=True):
    """One site."""

    origin: str
    console: str
    services: tuple[ServiceStatus, ...]
    front_pid: int | None


class ServerStatus(Struct, frozen=True, kw_only=True):
    """The broker or the database; `source` is given, docker or embedded."""

    url: str
    source: str
    pid: int | None
    management_url: str | None = None


class Status(Struct, frozen=True, kw_only=True):
    """Everything. `phase` is stopped, starting, ready or stopping."""

    phase: str
    supervisor_pid: int | None
    loom: SiteStatus
    mast: SiteStatus
    broker: ServerStatus | None
    database: ServerStatus | None


class Readiness(Struct, frozen=True):
    """What a service says at `/readyz`."""

    checks: dict[str, str]


def look(home: Home, sites: tuple[Site, Site]) -> Status:
    """Look at the processes and ask the services."""
    said = state.read(home)
    running = said is not None and is_alive(Record(name="supervisor", pid=said.pid, created=said.created))
    loom, mast = (_site(site, said if running else None) for site in sites)
    if said is None or not running:
        return Status(phase="stopped", supervisor_pid=None, loom=loom, mast=mast, broker=None, database=None)
    return Status(
        phase=said.phase,
        supervisor_pid=said.pid,
        loom=loom,
        mast=mast,
        broker=ServerStatus(
            url=said.broker,
            source=said.broker_source,
            pid=_pid(said, "rabbitmq"),
            management_url=said.management or None,
        ),
        database=ServerStatus(url=said.database, source=said.database_source, pid=_pid(said, "postgres")),
    )


def show(status: Status, console: Console) -> None:
    """Print the status for people."""
    if status.phase == "stopped":
        console.print("The local sites are not running. `make run` or `make up` starts them.")
        return
    console.print(f"The local sites are {status.phase}.", highlight=False)
    table = Table(box=None, pad_edge=False)
    for column in ("site", "service", "pid", "ready", "restarts", "address", "health"):
        table.add_column(column, no_wrap=True)
    for name, site in (("loom", status.loom), ("mast", status.mast)):
        table.add_row(name, "front", str(site.front_pid or "-"), "", "", site.origin, "")
        for service in site.services:
            table.add_row(
                "",
                service.service,
                str(service.pid or "-"),
                "yes" if service.ready else "[red]no[/red]",
                str(service.restarts),
                service.url or "",
                service.ops_url,
            )
        table.add_section()
    for name, server in (("broker", status.broker), ("database", status.database)):
        if server:
            table.add_row("", f"{name} ({server.source})", str(server.pid or "-"), "", "", server.url, "")
    console.print(table)


def _site(site: Site, said: state.State | None) -> SiteStatus:
    return SiteStatus(
        origin=site.origin,
        console=site.console,
        services=tuple(_service(site, service, said) for service in SERVICES) if said else (),
        front_pid=_pid(said, f"{site.name}/front"),
    )


def _service(site: Site, service: str, said: state.State) -> ServiceStatus:
    process = said.process(f"{site.name}/{service}")
    pid = _pid(said, f"{site.name}/{service}")
    ops_url = site.ops_url(service)
    return ServiceStatus(
        service=service,
        pid=pid,
        url=site.url(service) or None,
        ops_url=ops_url,
        ready=pid is not None and is_ready(ops_url),
        restarts=process.restarts if process else 0,
    )


def _pid(said: state.State | None, name: str) -> int | None:
    process = said.process(name) if said else None
    if process is None or not process.pid:
        return None
    alive = is_alive(Record(name=name, pid=process.pid, created=process.created))
    return process.pid if alive else None


def is_ready(ops_url: str) -> bool:
    """Ask a service whether it can do its work now."""
    return not trouble(ops_url)


def trouble(ops_url: str) -> str:
    """Ask a service what keeps it from doing its work; empty where nothing does."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{ops_url}/readyz", timeout=_ANSWER_WITHIN).close()
    except urllib.error.HTTPError as answer:
        return _in_words(answer.read())
    except OSError as problem:
        return f"no answer ({problem})"
    return ""


def _in_words(body: bytes) -> str:
    try:
        checks = msgspec.json.decode(body, type=Readiness).checks
    except msgspec.MsgspecError:
        return "not ready"
    return ", ".join(f"{name}: {said}" for name, said in checks.items() if said != "ok")
