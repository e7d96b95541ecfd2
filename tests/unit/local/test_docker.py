"""Containers for the local sites' servers: used where an engine answers, and only there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from deploy.local.docker import COMPOSE_FILE, compose, compose_command, docker_answers
from deploy.local.paths import ROOT, Home, SetupError


@pytest.fixture(autouse=True)
def _forget_answers() -> Iterator[None]:
    """Ask anew in each test."""
    docker_answers.cache_clear()
    compose_command.cache_clear()
    yield
    docker_answers.cache_clear()
    compose_command.cache_clear()


def put_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Make `docker` a script that notes what it is asked, and the only program there is."""
    docker = folder / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{script}\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder / "asked"


def test_an_engine_that_answers_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker with its Compose plugin is found."""
    put_docker(tmp_path, monkeypatch, "exit 0")
    assert docker_answers()
    assert compose_command() == ("docker", "compose")


def test_a_command_line_without_an_engine_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `docker info` fails, there is nothing to start containers with."""
    put_docker(tmp_path, monkeypatch, '[ "$1" != info ]')
    assert not docker_answers()


def test_an_engine_without_compose_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker alone cannot read the Compose file."""
    put_docker(tmp_path, monkeypatch, '[ "$1" != compose ]')
    assert not docker_answers()


def test_each_checkout_has_containers_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two folders never share a project, and so never each other's data."""
    asked = put_docker(tmp_path, monkeypatch, "exit 0")
    for folder in ("one", "two"):
        compose("up", "-d", "postgres", home=Home(folder=tmp_path / folder), settings={})
    first, second = (line for line in asked.read_text().splitlines() if " up " in line)
    assert first.endswith("up -d postgres")
    assert first != second


def test_a_failure_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose's last word is the reason."""
    put_docker(
        tmp_path, monkeypatch, 'case "$*" in *up*) echo first >&2; echo "no such image" >&2; exit 1;; esac'
    )
    with pytest.raises(SetupError, match="could not up Postgres and RabbitMQ: no such image"):
        compose("up", home=Home(folder=tmp_path), settings={})


def test_containers_listen_on_loopback_and_match_the_real_thing() -> None:
    """Published ports are on 127.0.0.1, and the images are those that docker-compose.yml runs."""
    local = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
    real = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name, service in local.items():
        assert service["image"] == real[name]["image"]
        assert service["ports"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
