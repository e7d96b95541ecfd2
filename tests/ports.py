"""Ports for what a test starts later: of those that the kernel gives to nobody by itself.

A port that the kernel picks is one that it may give to any connection in the moment until it is listened on,
and hundreds of tests make thousands of connections.
"""

import os
import random
import socket
from collections.abc import Iterator

from deploy.local.ports import ServerPorts
from deploy.local.testing import MOST_WORKERS

FIRST, LAST = 22_800, 25_600
"""Between the fixed ports of local sites, also where tests move these, and below those of connections."""


def _ports() -> Iterator[int]:
    """Yield the ports of this worker in turn, from a random one on, again and again."""
    share = (LAST - FIRST + 1) // MOST_WORKERS
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % MOST_WORKERS
    at = random.randrange(share)
    while True:
        yield FIRST + worker * share + at % share
        at += 1


_turn = _ports()


def free_port() -> int:
    """Return a loopback port that nobody listens on, and that no other test is given meanwhile."""
    for _ in range(LAST - FIRST):
        port = next(_turn)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError(f"no free port of {FIRST} to {LAST}")


def free_server_ports() -> ServerPorts:
    """Return such ports for a broker or a database, each of them given once: several may start later."""
    return ServerPorts(
        postgres=free_port(),
        broker=free_port(),
        management=free_port(),
        prometheus=free_port(),
        distribution=free_port(),
        epmd=free_port(),
    )
