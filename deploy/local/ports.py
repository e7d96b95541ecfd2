"""Which port each part listens on, all on loopback."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.paths import SetupError

SHIFT_VARIABLE = "HEDDLE_LOCAL_PORT_SHIFT"
LOOPBACK = "127.0.0.1"
_HIGHEST_BASE = 25_673


@dataclass(frozen=True, kw_only=True)
class ServerPorts:
    """Ports of the broker and the database."""

    postgres: int
    broker: int
    management: int
    prometheus: int
    distribution: int
    epmd: int

    def named(self) -> dict[str, int]:
        """Each port with the name of its use, for messages."""
        return {
            "Postgres": self.postgres,
            "RabbitMQ": self.broker,
            "RabbitMQ's management": self.management,
            "RabbitMQ's metrics": self.prometheus,
            "Erlang's distribution": self.distribution,
            "Erlang's port mapper": self.epmd,
        }


def server_ports(shift: int) -> ServerPorts:
    """Compute the fixed ports of the local sites' servers, moved by `shift`."""
    return ServerPorts(
        postgres=5433 + shift,
        broker=5673 + shift,
        management=15_673 + shift,
        prometheus=15_693 + shift,
        distribution=25_673 + shift,
        epmd=4373 + shift,
    )


def free_server_ports() -> ServerPorts:
    """Pick ports that nobody uses at this moment, for servers that live as long as a test run."""
    with contextlib.ExitStack() as held:
        postgres, broker, management, prometheus, distribution, epmd = (
            held.enter_context(contextlib.closing(_bound(0))).getsockname()[1] for _ in range(6)
        )
    return ServerPorts(
        postgres=postgres,
        broker=broker,
        management=management,
        prometheus=prometheus,
        distribution=distribution,
        epmd=epmd,
    )


def parse_shift(environ: Mapping[str, str]) -> int | None:
    """Read the wish to move all ports; None where there is none.

    Raises:
        SetupError: it is no number, or too large.
    """
    text = environ.get(SHIFT_VARIABLE, "").strip()
    if not text:
        return None
    if not text.isdigit() or int(text) > 65_535 - _HIGHEST_BASE:
        raise SetupError(
            f"{SHIFT_VARIABLE} is {text!r}; it must be a number from 0 to {65_535 - _HIGHEST_BASE}."
        )
    return int(text)


def settled_shift(wish: int | None, file: Path) -> int:
    """Return the shift that this data was made with, and settle it on the first start.

    Raises:
        SetupError: the wish is another one. The ports are part of every id that was handed out.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"shift": wish or 0}))
    settled = int(json.loads(file.read_text())["shift"])
    if wish is not None and wish != settled:
        raise SetupError(
            f"The sites under .local were made with {SHIFT_VARIABLE}={settled}, and the ports are part of "
            "their addresses. Leave the variable out, or start afresh after `make clean`."
        )
    return settled


def refuse_taken(named: Mapping[str, int]) -> None:
    """Check that all these ports are free.

    Raises:
        SetupError: naming the first one that somebody else listens on.
    """
    for name, port in named.items():
        try:
            _bound(port).close()
        except OSError:
            raise SetupError(
                f"Port {port} ({name}) is taken by another program. Stop that one, or move all ports: "
                f"make run {SHIFT_VARIABLE}=1000 (on a first start, or after `make clean`)."
            ) from None


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As servers do: connections that have just ended do not keep a port.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    return listener
