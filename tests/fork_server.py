"""Forks services that are imported already: what costs most of a start is paid once, not per process.

`python -m tests.fork_server FD` serves on a socket that it inherited, and ends its children with itself. A
request brings the descriptors of standard output, of standard error and of a pipe on which the process id of
the child and then its exit code are told.
"""

import contextlib
import gc
import importlib
import importlib.machinery
import os
import runpy
import selectors
import signal
import socket
import sys
from typing import Final

import msgspec
from msgspec import Struct

MODULES: Final = (
    "services.fanout_deliverer.__main__",
    "services.inbox_receiver.__main__",
    "services.load_generator.__main__",
    "services.operator_console.__main__",
    "services.operator_console.cli",
    "services.platform_gateway.__main__",
    "services.signature_verifier.__main__",
    "services.timeline_builder.__main__",
    "deploy.local.front",
)
"""What tests start by the dozen; anything else is imported by its own process."""

MOST_BYTES: Final = 1 << 18
_DESCRIPTORS: Final = 3


class Request(Struct, frozen=True, kw_only=True):
    """A process to start: `python -m module arguments`, in this folder and environment."""

    module: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: str


def main() -> None:
    """Serve until the other side is gone; in a child, become what was asked for."""
    client = socket.socket(fileno=int(sys.argv[1]))
    for module in MODULES:
        importlib.import_module(module)
    # Nothing of this is garbage: no child should look through it again.
    gc.freeze()
    if child := _serve(client):
        _become(*child)


def _serve(client: socket.socket) -> tuple[Request, list[int]] | None:
    """Fork for each request; returns in a child with what it is to be, in the parent at the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended, ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ends, warn_on_full_buffer=False)
    told: dict[int, int] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(client, selectors.EVENT_READ)
        ready.register(ended, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fd == ended:
                    with contextlib.suppress(BlockingIOError):
                        os.read(ended, 1 << 12)
                    _tell_ends(told)
                    continue
                data, descriptors, _, _ = socket.recv_fds(client, MOST_BYTES, _DESCRIPTORS)
                if not data:
                    _end_all(told)
                    return None
                pid = os.fork()
                if pid == 0:
                    # The other ends of what others wait for must not stay open here.
                    for descriptor in (*told.values(), client.fileno(), ended, ends):
                        os.close(descriptor)
                    client.detach()
                    return msgspec.json.decode(data, type=Request), descriptors
                *outputs, told[pid] = descriptors
                for descriptor in outputs:
                    os.close(descriptor)
                os.write(told[pid], b"%d\n" % pid)


def _tell_ends(told: dict[int, int]) -> None:
    while told:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        descriptor = told.pop(pid)
        with contextlib.suppress(BrokenPipeError):
            os.write(descriptor, b"%d\n" % os.waitstatus_to_exitcode(status))
        os.close(descriptor)


def _end_all(told: dict[int, int]) -> None:
    for pid in told:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _become(request: Request, descriptors: list[int]) -> None:
    """Turn this fork into the process that was asked for."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, *descriptors[:2])):
        os.dup2(descriptor, number)
    for descriptor in (nothing, *descriptors):
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    take_path(request.environment.get("PYTHONPATH", ""))
    # What starts itself again, as the parent of several processes does, looks here.
    sys.orig_argv[1:] = ["-m", request.module, *request.arguments]
    sys.argv[1:] = request.arguments
    # It is to run as the main module; what it is made of stays.
    if not sys.modules.pop(f"{request.module}.__main__", None):
        sys.modules.pop(request.module, None)
    runpy.run_module(request.module, run_name="__main__", alter_sys=True)


def take_path(path: str) -> None:
    """Put these folders first, and run a `sitecustomize` in them, as Python does at a start."""
    folders = path.split(os.pathsep) if path else []
    sys.path[:0] = folders
    if importlib.machinery.PathFinder.find_spec("sitecustomize", folders):
        sys.modules.pop("sitecustomize", None)  # some systems' Python has one of its own
        importlib.import_module("sitecustomize")


if __name__ == "__main__":
    main()
