"""The embedded RabbitMQ: one node on loopback, its data below a folder of ours."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from deploy.local.fetch import RABBITMQ
from deploy.local.paths import Home
from deploy.local.ports import LOOPBACK, ServerPorts
from deploy.local.processes import Program

USER = "heddle"
NODE = "heddle@localhost"

_CONFIGURATION = """\
listeners.tcp.1 = {loopback}:{ports.broker}
management.tcp.ip = {loopback}
management.tcp.port = {ports.management}
prometheus.tcp.ip = {loopback}
prometheus.tcp.port = {ports.prometheus}
default_user = {user}
default_pass = {password}
log.console = true
log.file = false
disk_free_limit.absolute = 200MB
vm_memory_high_watermark.absolute = 2GB
raft.wal_max_size_bytes = 67108864
"""

_ERLANG = "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
# A boot is thousands of looks at files, each handed to another thread: two of five seconds go into waking it.
# Threads that wait a moment before they sleep save that, and cost a busy broker more than they bring.
_QUICK_TO_BOOT = "+sbwtdio short"


@dataclass(frozen=True, kw_only=True)
class EmbeddedRabbit:
    """How to run the node.

    Args:
        settings: More lines of its configuration.
        durable: Whether it is to serve for long; one for a test is to be there soon.
    """

    home: Home
    ports: ServerPorts
    password: str
    node: str = NODE
    settings: str = ""
    durable: bool = True

    @property
    def url(self) -> str:
        """Where clients connect, without a virtual host."""
        return f"amqp://{USER}:{self.password}@{LOOPBACK}:{self.ports.broker}"

    @property
    def management_url(self) -> str:
        """Where the management API answers."""
        return f"http://{USER}:{self.password}@{LOOPBACK}:{self.ports.management}"

    def prepare(self) -> None:
        """Write what the node reads at its start."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        configuration = self._folder / "rabbitmq.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            _CONFIGURATION.format(loopback=LOOPBACK, ports=self.ports, user=USER, password=self.password)
            + self.settings
        )
        (self._folder / "enabled_plugins").write_text("[rabbitmq_management,rabbitmq_prometheus].\n")

    def programs(self) -> list[Program]:
        """What to start, in this order."""
        epmd = [str(_erts() / "epmd"), "-address", LOOPBACK, "-port", str(self.ports.epmd)]
        (server,) = RABBITMQ.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
        return [
            self._program("epmd", epmd, grace=2.0),
            self._program("rabbitmq", [str(server)], grace=30.0),
        ]

    def _program(self, name: str, argv: list[str], grace: float) -> Program:
        return Program(
            name=name,
            argv=argv,
            environment=self._environment(),
            log=self.home.log / f"{name}.log",
            cwd=self._folder,
            stop_signal=signal.SIGTERM,
            grace=grace,
        )

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        libraries = [
            str(path) for root in ("lib", "usr/lib") for path in RABBITMQ.glob(f"{root}/*-linux-gnu*")
        ]
        return {
            "HOME": str(folder),  # the Erlang cookie lies there
            "PATH": f"{RABBITMQ}/bin:{RABBITMQ}/usr/bin:{os.environ.get('PATH', os.defpath)}",
            "LD_LIBRARY_PATH": ":".join(libraries),
            "LANG": "C.UTF-8",
            # The server's script then becomes the Erlang machine instead of watching over it.
            "detached": "true",
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG if self.durable else f"{_ERLANG} {_QUICK_TO_BOOT}",
        }

    @property
    def _folder(self) -> Path:
        return self.home.data / "rabbitmq"


def _erts() -> Path:
    (folder,) = RABBITMQ.glob("usr/lib/erlang/erts-*/bin")
    return folder
