"""The broker and the database of a machine: given, in containers, or embedded."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event

from deploy.local.databases import answers, create_databases, create_role
from deploy.local.docker import compose, docker_answers
from deploy.local.fetch import fetch_postgres, fetch_rabbitmq
from deploy.local.management import create_vhost, listens
from deploy.local.paths import Home, Interrupted, SetupError
from deploy.local.pip import run_pip
from deploy.local.ports import ServerPorts
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.processes import Process, Program, start
from deploy.local.rabbitmq import EmbeddedRabbit
from deploy.local.say import say
from deploy.local.urls import credentials_of, with_path, with_user, without_password

ROLE = "heddle"
_GIVEN = ("DATABASE_URL", "BROKER_URL", "BROKER_MANAGEMENT_URL")
_GIVEN_VARIABLES = frozenset(f"HEDDLE_{name}" for name in _GIVEN)
READY_WITHIN = 90.0
"""Seconds. A cold broker on a busy machine takes a while."""


class Source(StrEnum):
    """Where a server comes from."""

    GIVEN = "given"
    DOCKER = "docker"
    EMBEDDED = "embedded"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where both come from."""

    broker: Source
    database: Source


def choose_sources(environ: Mapping[str, str], docker: Callable[[], bool]) -> Sources:
    """A server that is named is used; else containers where an engine answers; else our own."""
    named = {name: bool(environ.get(f"HEDDLE_{name}_URL", "").strip()) for name in ("BROKER", "DATABASE")}
    ours = Source.EMBEDDED if all(named.values()) or not docker() else Source.DOCKER
    return Sources(
        broker=Source.GIVEN if named["BROKER"] else ours,
        database=Source.GIVEN if named["DATABASE"] else ours,
    )


def given_by_others(environ: Mapping[str, str], home: Home) -> dict[str, str]:
    """Leave out addresses of our own servers: a shell that sourced a site's environment has them."""
    own = kept_password(home)
    return {
        name: value
        for name, value in environ.items()
        if name not in _GIVEN_VARIABLES or credentials_of(value)[1] != own
    }


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """How to reach both servers.

    `database_url` may create databases; `broker_url` names no virtual host; `management_url` may be empty
    where a broker is given without it.
    """

    database_url: str
    broker_url: str
    management_url: str

    def database(self, name: str) -> str:
        """The address of one database."""
        return with_path(self.database_url, name)

    def vhost(self, name: str) -> str:
        """The address of one virtual host."""
        return with_path(self.broker_url, name)


class Servers:
    """Starts what is to be started, and waits until it serves.

    Args:
        home: The folder for data and logs.
        ports: Where embedded servers and containers listen.
        sources: Where each comes from.
        environ: Holds the addresses of those that are given.
        durable: Whether data must outlive the machine.
    """

    def __init__(
        self,
        home: Home,
        ports: ServerPorts,
        sources: Sources,
        environ: Mapping[str, str],
        *,
        durable: bool = True,
    ) -> None:
        self.sources = sources
        self._home = home
        self._ports = ports
        self._environ = environ
        self._password = kept_password(home)
        self._postgres = EmbeddedPostgres(
            home=home, port=ports.postgres, password=self._password, durable=durable
        )
        self._rabbit = EmbeddedRabbit(home=home, ports=ports, password=self._password, durable=durable)

    @property
    def addresses(self) -> Addresses:
        """Where clients find them."""
        given = {name: self._environ.get(f"HEDDLE_{name}", "").strip() for name in _GIVEN}
        database = given["DATABASE_URL"] or with_user(self._postgres.admin_url, ROLE, self._password)
        if self.sources.broker is Source.GIVEN:
            return Addresses(
                database_url=database,
                broker_url=given["BROKER_URL"],
                management_url=given["BROKER_MANAGEMENT_URL"],
            )
        return Addresses(
            database_url=database,
            broker_url=self._rabbit.url,
            management_url=self._rabbit.management_url,
        )

    def ports_in_use(self) -> dict[str, int]:
        """The ports that embedded servers are going to listen on, by name."""
        named = self._ports.named()
        if self.sources.database is not Source.EMBEDDED:
            named = {name: port for name, port in named.items() if name != "Postgres"}
        if self.sources.broker is not Source.EMBEDDED:
            named = {name: port for name, port in named.items() if name == "Postgres"}
        return named

    def start(
        self,
        started: Callable[[Process], None],
        stopping: Event,
        databases: Sequence[str],
        vhosts: Sequence[str],
    ) -> None:
        """Start both side by side; return when both serve and have these databases and virtual hosts.

        Raises:
            SetupError: one does not come up.
        """
        self.start_containers()
        with ThreadPoolExecutor(2) as pool:
            database = pool.submit(self.start_database, started, stopping, databases)
            broker = pool.submit(self.start_broker, started, stopping, vhosts)
        database.result()
        broker.result()

    def start_containers(self) -> None:
        """Start those that run in containers, where there are any; both others then wait for them."""
        wanted = [
            name
            for name, source in (("postgres", self.sources.database), ("rabbitmq", self.sources.broker))
            if source is Source.DOCKER
        ]
        if wanted:
            say(f"starting {' and '.join(wanted)} with Docker Compose")
            self._containers_note.touch()
            compose("up", "-d", *wanted, home=self._home, settings=self._compose_settings())

    def start_database(
        self, started: Callable[[Process], None], stopping: Event, databases: Iterable[str]
    ) -> None:
        """Start Postgres and return when it serves and has these databases.

        Args:
            started: Told of each process of ours at once, so that it can be ended whatever happens next.
            stopping: Set when nobody wants it any more.
            databases: Made where they are missing.

        Raises:
            SetupError: it does not come up.
        """
        running: list[Process] = []
        if self.sources.database is Source.EMBEDDED:
            fetch_postgres(run_pip)
            self._postgres.prepare()
            running = _run(self._postgres.programs(), started)
        if self.sources.database is not Source.GIVEN:
            _until("Postgres", lambda: answers(self._postgres.admin_url), running, stopping)
            create_role(self._postgres.admin_url, ROLE, self._password)
        else:
            say(f"using Postgres at {without_password(self.addresses.database_url)}")
        create_databases(self.addresses.database_url, databases)

    def start_broker(
        self, started: Callable[[Process], None], stopping: Event, vhosts: Iterable[str]
    ) -> None:
        """Start RabbitMQ and return when it serves and has these virtual hosts; else as `start_database`."""
        running: list[Process] = []
        listening = 5672
        if self.sources.broker is Source.EMBEDDED:
            fetch_rabbitmq()
            self._rabbit.prepare()
            listening = self._ports.broker
            running = _run(self._rabbit.programs(), started)
        url = self.addresses.management_url
        if self.sources.broker is not Source.GIVEN:
            _until("RabbitMQ", lambda: listens(url, listening), running, stopping)
        else:
            say(f"using RabbitMQ at {without_password(self.addresses.broker_url)}")
        if not url:
            say("HEDDLE_BROKER_MANAGEMENT_URL is not set: the broker must have the virtual hosts already")
            return
        for vhost in vhosts:
            create_vhost(url, vhost)

    def stop_containers(self) -> None:
        """Stop containers of ours; their data stays."""
        if Source.DOCKER in (self.sources.broker, self.sources.database):
            compose("stop", home=self._home, settings=self._compose_settings())

    def forget_containers(self) -> None:
        """Remove containers of ours with their data, where there are any."""
        if self._containers_note.exists() and docker_answers():
            compose("down", "-v", home=self._home, settings=self._compose_settings())

    @property
    def _containers_note(self) -> Path:
        return self._home.data / "containers"

    def _compose_settings(self) -> dict[str, str]:
        return {
            "HEDDLE_LOCAL_PASSWORD": self._password,
            "HEDDLE_LOCAL_POSTGRES_PORT": str(self._ports.postgres),
            "HEDDLE_LOCAL_BROKER_PORT": str(self._ports.broker),
            "HEDDLE_LOCAL_MANAGEMENT_PORT": str(self._ports.management),
        }


def _run(programs: Iterable[Program], started: Callable[[Process], None]) -> list[Process]:
    running = []
    for program in programs:
        say(f"starting {program.name}")
        running.append(start(program))
        started(running[-1])
    return running


def _until(name: str, serves: Callable[[], bool], running: Iterable[Process], stopping: Event) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not serves():
        for process in running:
            if process.exit_code is not None:
                raise SetupError(f"{name} ended at its start: {process.last_words()}")
        if time.monotonic() > deadline:
            raise SetupError(f"{name} does not serve after {READY_WITHIN:.0f} s; its log tells why.")
        if stopping.wait(0.2):
            raise Interrupted
    say(f"{name} serves")


def kept_password(home: Home) -> str:
    """The password of both servers: made once, since their data remembers it."""
    file = home.data / "password.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps({"password": secrets.token_hex(16)}))
    return str(json.loads(file.read_text())["password"])
