"""The two local sites: their addresses, their environment, and the programs each is made of."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import environment_file
from deploy.local.paths import ROOT, VENV, Home
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Program
from deploy.local.servers import Addresses

PYTHON = VENV / "bin/python"

SERVICES = (
    "inbox-receiver",
    "signature-verifier",
    "timeline-builder",
    "fanout-deliverer",
    "platform-gateway",
    "operator-console",
)
_LISTENERS = {"operator-console": 1, "inbox-receiver": 2, "platform-gateway": 3}
"""Services that speak HTTP to others, and how far above the site's own port."""

_OPS_ABOVE = 1000

_YIELDING = {"signature-verifier": 5, "timeline-builder": 5, "fanout-deliverer": 5}
"""Services before which a queue lies, so that they may lag; who waits for an answer comes first."""

_HEADING = """\
The environment of the local site {name}, for services and commands:
  set -a; . {file}; .venv/bin/heddle account list
The addresses are written anew at each start; the rest is yours to change and to add to."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """One site. `port` is the one that its origin names."""

    name: str
    port: int

    @property
    def origin(self) -> str:
        """Scheme and host of all its ids."""
        return f"http://{self.name}.localhost:{self.port}"

    @property
    def console(self) -> str:
        """Where operators look."""
        return self.url("operator-console")

    @property
    def database(self) -> str:
        """The name of its database."""
        return f"heddle_{self.name}"

    def url(self, service: str) -> str:
        """Where a service listens; empty where it speaks no HTTP but to operators."""
        above = _LISTENERS.get(service)
        return "" if above is None else f"http://{LOOPBACK}:{self.port + above}"

    def ops_url(self, service: str) -> str:
        """Where a service tells of its health."""
        return f"http://{LOOPBACK}:{self.port + _OPS_ABOVE + SERVICES.index(service)}"

    def ports_in_use(self) -> dict[str, int]:
        """All ports of this site, by name."""
        named = {self.name: self.port}
        named |= {f"{self.name}'s {service}": self.port + above for service, above in _LISTENERS.items()}
        for service in SERVICES:
            named[f"{self.name}'s {service}, health"] = int(self.ops_url(service).rpartition(":")[2])
        return named

    def settle_environment(self, home: Home, addresses: Addresses) -> dict[str, str]:
        """Write the site's environment file; return what it says."""
        file = self.environment_file(home)
        shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
        ours = {
            "HEDDLE_ORIGIN": self.origin,
            "HEDDLE_DATABASE_URL": addresses.database(self.database),
            "HEDDLE_BROKER_URL": addresses.vhost(self.name),
            "HEDDLE_BROKER_MANAGEMENT_URL": addresses.management_url,
        }
        first = {
            "HEDDLE_SECRET_KEY": secrets.token_hex(32),
            "HEDDLE_ALLOW_PRIVATE_PEERS": "true",
            "HEDDLE_FEDERATION_DELAY": "0",
            "HEDDLE_LOG_FORMAT": "json",
            "HEDDLE_LOG_LEVEL": "info",
        }
        return environment_file.settle(file, ours, first, _HEADING.format(name=self.name, file=shown))

    def environment_file(self, home: Home) -> Path:
        """Where its environment is written down."""
        return home.folder / f"{self.name}.env"

    def programs(self, home: Home, environment: Mapping[str, str]) -> list[Program]:
        """The site's processes, the front last: it opens the door when all stand behind it."""
        services = [
            self._program(
                home,
                service,
                [str(PYTHON), "-m", f"services.{service.replace('-', '_')}"],
                {
                    **environment,
                    "HEDDLE_LISTEN": self.url(service).removeprefix("http://"),
                    "HEDDLE_OPS_LISTEN": self.ops_url(service).removeprefix("http://"),
                },
            )
            for service in SERVICES
        ]
        upstreams = [self.url("inbox-receiver"), self.url("platform-gateway")]
        front = [str(PYTHON), "-m", "deploy.local.front", f"{LOOPBACK}:{self.port}", *upstreams]
        return [*services, self._program(home, "front", front, {})]

    def _program(self, home: Home, service: str, argv: list[str], environment: Mapping[str, str]) -> Program:
        return Program(
            name=f"{self.name}/{service}",
            argv=argv,
            environment={**ordinary_environment(), **environment},
            log=home.log / f"{self.name}-{service}.log",
            cwd=ROOT,
            yields=_YIELDING.get(service, 0),
        )


def local_sites(shift: int) -> tuple[Site, Site]:
    """The two sites that federate with each other."""
    return Site(name="loom", port=8080 + shift), Site(name="mast", port=8090 + shift)


def ordinary_environment() -> dict[str, str]:
    """This process's environment without settings of Heddle, which each site has of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEDDLE_")}
    return {**kept, "PYTHONUNBUFFERED": "1"}
