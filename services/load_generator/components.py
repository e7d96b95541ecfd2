"""What does the target's work on this machine: its processes by service, the broker, the database."""

import contextlib
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import psutil
from msgspec import Struct

_SERVICES = (
    "inbox_receiver",
    "signature_verifier",
    "timeline_builder",
    "fanout_deliverer",
    "platform_gateway",
)
_FRONT = "deploy.local.front"


class Use(Struct, frozen=True, kw_only=True):
    """CPU seconds so far and memory now, in bytes, of one component with all its processes."""

    cpu: float
    memory: int


def discover(origin: str, environ: Mapping[str, str]) -> dict[str, list[int]]:
    """Return the process ids of each component that runs here for this origin.

    Services are known by their command and by the HEDDLE_ORIGIN in their environment, broker and database by
    the port that the settings name.
    """
    found: dict[str, list[int]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            name = _component(process, origin)
            if name:
                found.setdefault(name, []).append(process.pid)
    for name, variable in (("broker", "HEDDLE_BROKER_URL"), ("database", "HEDDLE_DATABASE_URL")):
        pid = _listener(environ.get(variable, ""))
        if pid:
            found[name] = [pid]
    return found


def _component(process: psutil.Process, origin: str) -> str:
    command = process.cmdline()
    modules = [command[place + 1] for place, word in enumerate(command[:-1]) if word == "-m"]
    module = modules[0] if modules else ""
    if module.removeprefix("services.") not in _SERVICES and module != _FRONT:
        return ""
    if process.environ().get("HEDDLE_ORIGIN") != origin and origin.rpartition(":")[2] not in " ".join(
        command
    ):
        return ""
    parent = process.parent()
    if parent is not None and module in parent.cmdline():
        return ""  # counted with its parent
    return "front" if module == _FRONT else module.removeprefix("services.").replace("_", "-")


def _listener(url: str) -> int | None:
    """Return the process that listens on a URL's port on this machine."""
    parts = urlsplit(url)
    if parts.hostname not in {"127.0.0.1", "localhost", "::1"} or parts.port is None:
        return None
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr[1:] == (parts.port,):
                return connection.pid
    return None


def use(pids: Sequence[int]) -> Use:
    """Return what processes and all their descendants use."""
    cpu, private, shared = 0.0, 0, 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            for process in [root, *root.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    times, memory = process.cpu_times(), process.memory_info()
                    cpu += times.user + times.system + times.children_user + times.children_system
                    # Postgres and forked workers share much: it is counted once.
                    common = int(getattr(memory, "shared", 0))
                    private += memory.rss - common
                    shared = max(shared, common)
    return Use(cpu=cpu, memory=private + shared)
