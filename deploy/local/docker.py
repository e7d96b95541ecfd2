"""Postgres and RabbitMQ in containers, on machines where a Docker engine answers.

Standard library only: the bootstrap asks before it fetches anything.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from os import environ

from deploy.local.paths import ROOT, Home, SetupError

COMPOSE_FILE = ROOT / "deploy/local/servers.compose.yml"
_ANSWER_WITHIN = 5.0


@functools.cache
def docker_answers() -> bool:
    """Tell whether an engine and Compose are here. A command line without an engine does not count."""
    if not shutil.which("docker"):
        return False
    return _succeeds("docker", "info") and bool(compose_command())


@functools.cache
def compose_command() -> tuple[str, ...]:
    """Find Compose: Docker's plugin, else the program of its own; empty where there is neither."""
    for command in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(command[0]) and _succeeds(*command, "version"):
            return command
    return ()


def compose(*arguments: str, home: Home, settings: Mapping[str, str]) -> None:
    """Run Compose on the servers' file, in a project that belongs to this home alone.

    Raises:
        SetupError: with Compose's last word.
    """
    project = f"heddle-{hashlib.sha256(str(home.folder).encode()).hexdigest()[:8]}"
    command = [*compose_command(), "-p", project, "-f", str(COMPOSE_FILE), *arguments]
    answer = subprocess.run(command, env={**environ, **settings}, capture_output=True, text=True, check=False)
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SetupError(f"Docker Compose could not {arguments[0]} Postgres and RabbitMQ: {last}")


def _succeeds(*command: str) -> bool:
    try:
        answer = subprocess.run(command, capture_output=True, check=False, timeout=_ANSWER_WITHIN)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0
