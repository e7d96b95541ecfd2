"""What `run` hands to a service."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import structlog

from shared.runtime.health import Readiness
from shared.runtime.settings import Settings

log = structlog.get_logger(__name__)

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
        failures: What ended work in the background.
    """

    name: str
    settings: Settings
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ready: Readiness = field(default_factory=Readiness)
    shares_port: bool = False
    failures: list[BaseException] = field(default_factory=list)

    def watch(self, task: "asyncio.Task[Any]") -> None:
        """Stop the process with exit code 1 where this task fails: its work would silently be left undone."""
        task.add_done_callback(self._look_at)

    def _look_at(self, task: "asyncio.Task[Any]") -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("background_failed", task=task.get_name(), error=f"{type(error).__name__}: {error}")
        self.failures.append(error)
        self.stopping.set()
