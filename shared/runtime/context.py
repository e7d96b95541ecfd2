"""What `run` hands to a service."""

import asyncio
from dataclasses import dataclass, field

from shared.runtime.health import Readiness
from shared.runtime.settings import Settings

GRACE = 25.0
"""Seconds from SIGTERM until what is still running is cancelled; Kubernetes kills after 30."""


class CannotStart(Exception):
    """The service cannot run like this; told in one line, exit code 1."""


class Stopped(Exception):
    """SIGTERM came while the service was still waiting to begin; an orderly end."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """A running process.

    Args:
        name: The service, `inbox-receiver` for instance.
        settings: The environment, checked.
        stopping: Set at SIGTERM or SIGINT: take nothing new, finish what is in hand, return.
        ready: Where the service registers its checks.
        shares_port: Whether sibling processes listen on the same port.
    """

    name: str
    settings: Settings
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ready: Readiness = field(default_factory=Readiness)
    shares_port: bool = False
