"""The gateway as its own process, started as operators start it."""

import os
import signal
import subprocess
import sys
import time

import asyncpg
import requests

from shared.database.instance import ensure_instance_actor
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from tests.infrastructure import run_apart
from tests.integration.gateway.running import SECRET
from tests.ports import free_port


def start(service: str = "platform_gateway", **environ: str) -> "subprocess.Popen[str]":
    """Run a service with these settings alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEDDLE_")}
    return subprocess.Popen(
        [sys.executable, "-m", f"services.{service}"],
        env={**kept, **{f"HEDDLE_{name}": value for name, value in environ.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def status_of(url: str, wanted: int) -> int:
    """Return the status of a URL once it is the wanted one, or what it was at the deadline."""
    deadline = time.monotonic() + 30
    status = 0
    while status != wanted and time.monotonic() < deadline:
        try:
            status = requests.get(url, timeout=5).status_code
        except requests.ConnectionError:
            time.sleep(0.05)
    return status


async def _make_instance_actor(database_url: str, origin: str) -> None:
    conn = await asyncpg.connect(database_url)
    try:
        ids = await id_generator(conn)
        await ensure_instance_actor(conn, uris=LocalUris(origin), ids=ids, secret_key=SECRET)
    finally:
        await conn.close()


def test_it_becomes_ready_serves_and_ends_in_order(own_database_url: str) -> None:
    """Ready once the database is migrated, it serves the API, and SIGTERM ends it with 0."""
    port, ops = free_port(), free_port()
    origin = f"http://127.0.0.1:{port}"
    process = start(
        ORIGIN=origin,
        DATABASE_URL=own_database_url,
        BROKER_URL="amqp://127.0.0.1:9/",  # nobody there: all but streaming works
        SECRET_KEY=SECRET,
        LISTEN=f"127.0.0.1:{port}",
        OPS_LISTEN=f"127.0.0.1:{ops}",
        ALLOW_PRIVATE_PEERS="true",
    )
    try:
        assert status_of(f"http://127.0.0.1:{ops}/livez", 200) == 200
        assert status_of(f"http://127.0.0.1:{ops}/readyz", 503) == 503
        run_apart(_make_instance_actor(own_database_url, origin))
        assert status_of(f"http://127.0.0.1:{ops}/readyz", 200) == 200
        assert status_of(f"{origin}/api/v2/instance", 200) == 200
        assert requests.get(f"{origin}/@nobody", timeout=10).status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def test_wrong_settings_end_it_with_a_line_each() -> None:
    """A missing setting is one clear line, and exit code 2."""
    process = start(ORIGIN="not an origin", LOG_LEVEL="loud", OPS_LISTEN="127.0.0.1:0")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    lines = errors.strip().splitlines()
    for name in ("HEDDLE_ORIGIN", "HEDDLE_LOG_LEVEL", "HEDDLE_DATABASE_URL", "HEDDLE_LISTEN"):
        assert sum(name in line for line in lines) == 1, errors
