"""The frame of a service, seen from outside its process."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import psutil

from shared.runtime.service import FEW_NEW_OBJECTS, calm_the_collector
from tests.infrastructure import eventually
from tests.ports import free_port


class Sample:
    """A running sample service."""

    def __init__(self, **environ: str) -> None:
        self.port, self.ops_port = free_port(), free_port()
        self.environ = {
            "PATH": os.environ["PATH"],
            "HEDDLE_ORIGIN": "https://social.example",
            "HEDDLE_LISTEN": f"127.0.0.1:{self.port}",
            "HEDDLE_OPS_LISTEN": f"127.0.0.1:{self.ops_port}",
            **environ,
        }
        self.process: asyncio.subprocess.Process
        self.session: aiohttp.ClientSession

    async def start(self) -> None:
        """Start the process."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.unit.runtime.sample_service",
            env=self.environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def get(self, path: str, *, ops: bool = False) -> tuple[int, str]:
        """Return status and text; status 0 where nobody answers."""
        url = f"http://127.0.0.1:{self.ops_port if ops else self.port}{path}"
        connector = aiohttp.TCPConnector(force_close=True)
        try:
            async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
                return response.status, await response.text()
        except aiohttp.ClientError:
            return 0, ""

    async def ready(self) -> bool:
        """Tell whether the service says it is ready."""
        return (await self.get("/readyz", ops=True))[0] == 200

    async def ended(self) -> tuple[int, str, str]:
        """Wait for the end; return exit code, standard output and standard error."""
        output, errors = await asyncio.wait_for(self.process.communicate(), 40)
        assert self.process.returncode is not None
        return self.process.returncode, output.decode(), errors.decode()


@contextlib.asynccontextmanager
async def sample(**environ: str) -> AsyncIterator[Sample]:
    """Yield a started service and make sure that it ends."""
    service = Sample(**environ)
    await service.start()
    try:
        yield service
    finally:
        if service.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                service.process.kill()
            await service.process.communicate()


async def test_wrong_settings_end_it_with_two() -> None:
    """Wrong settings give one clear line each on standard error, no traceback, and exit code 2."""
    async with sample(HEDDLE_LISTEN="nowhere", HEDDLE_PROCESSES="x") as service:
        code, output, errors = await service.ended()
    assert code == 2
    assert output == ""
    assert [line.split()[:2] for line in errors.splitlines()] == [
        ["sample:", "HEDDLE_LISTEN"],
        ["sample:", "HEDDLE_PROCESSES"],
    ]


async def test_a_failure_ends_it_with_one() -> None:
    """A service that fails says so in its log and exits with 1."""
    async with sample(SAMPLE_FAILS="yes") as service:
        code, output, _ = await service.ended()
    assert code == 1
    last = msgspec.json.decode(output.splitlines()[-1])
    assert last["event"] == "service_failed"
    assert last["service"] == "sample"
    assert "ZeroDivisionError: as asked" in last["exception"]


async def test_a_failure_in_the_background_ends_it_too() -> None:
    """A service whose work in the background fails says which, stops in order and exits with 1."""
    async with sample(SAMPLE_FAILS_IN_BACKGROUND="yes") as service:
        code, output, _ = await service.ended()
    assert code == 1
    lines = [msgspec.json.decode(line) for line in output.splitlines()]
    assert [line["task"] for line in lines if line["event"] == "background_failed"] == ["something"]
    assert lines[-1]["event"] == "service_failed"
    assert "ZeroDivisionError: in the background" in lines[-1]["exception"]


async def test_a_taken_address_is_told_in_one_line() -> None:
    """A port that another holds ends the service with a line that names it, and exit code 1."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        for name in ("HEDDLE_LISTEN", "HEDDLE_OPS_LISTEN"):
            async with sample(**{name: address}) as service:
                code, output, errors = await service.ended()
            assert code == 1
            last = msgspec.json.decode(output.splitlines()[-1])
            assert last["event"] == "service_cannot_start"
            assert address in last["error"]
            assert "Traceback" not in output + errors


async def test_alive_but_not_ready_while_something_is_missing(tmp_path: Path) -> None:
    """While what it needs is away the service lives, is not ready, says why, and then goes on by itself."""
    there = tmp_path / "there"
    async with sample(SAMPLE_WAITS_FOR=str(there)) as service:
        await eventually(lambda: _is(service, "/livez", 200), "liveness")
        await eventually(lambda: _says(service, "the file is not there"), "the reason")
        assert not await service.ready()
        there.touch()
        await eventually(service.ready, "readiness")
        assert await service.get("/") == (200, str(service.process.pid))


async def test_stopping_while_it_waits_is_orderly(tmp_path: Path) -> None:
    """SIGTERM ends a service that still waits for what it needs, with 0."""
    async with sample(SAMPLE_WAITS_FOR=str(tmp_path / "never")) as service:
        await eventually(lambda: _says(service, "the file is not there"), "the wait")
        service.process.terminate()
        code, output, _ = await service.ended()
    assert code == 0
    assert msgspec.json.decode(output.splitlines()[-1])["event"] == "service_stopped"


async def test_sigterm_lets_requests_finish() -> None:
    """After SIGTERM readiness is red, new connections are refused, a request in flight is answered."""
    async with sample() as service:
        await eventually(service.ready, "readiness")
        slow = asyncio.create_task(service.get("/?seconds=1.5"))
        await asyncio.sleep(0.3)
        service.process.terminate()
        await eventually(lambda: _says(service, "draining"), "red readiness")
        await eventually(lambda: _is(service, "/livez", 200), "liveness")
        assert (await service.get("/"))[0] == 0
        assert await slow == (200, str(service.process.pid))
        code, _, _ = await service.ended()
    assert code == 0


async def test_metrics_and_unknown_paths() -> None:
    """The ops port serves metrics as Prometheus reads them, and nothing else."""
    async with sample() as service:
        await eventually(service.ready, "readiness")
        await service.get("/")
        status, text = await service.get("/metrics", ops=True)
        assert status == 200
        assert "sample_answers_total 1.0" in text
        assert (await service.get("/other", ops=True))[0] == 404


async def test_several_processes_share_port_and_metrics() -> None:
    """With PROCESSES=2 both answer on one port; the ops port speaks for both; a dead one is replaced."""
    async with sample(HEDDLE_PROCESSES="2") as service:
        await eventually(service.ready, "readiness of both")
        seen: set[str] = set()

        async def both() -> bool:
            seen.add((await service.get("/"))[1])
            return len(seen) == 2

        await eventually(both, "an answer of each")
        total = await _answers(service)
        await service.get("/")
        assert await _answers(service) == total + 1

        victim = int(seen.pop())
        os.kill(victim, signal.SIGKILL)
        await eventually(lambda: _is(service, "/readyz", 503), "red readiness")
        await eventually(service.ready, "the replacement")
        assert victim not in {child.pid for child in psutil.Process(service.process.pid).children()}
        service.process.terminate()
        code, _, _ = await service.ended()
    assert code == 0


async def test_no_child_outlives_its_parent() -> None:
    """When the parent is killed its children end by themselves."""
    async with sample(HEDDLE_PROCESSES="2") as service:
        await eventually(service.ready, "readiness of both")
        children = psutil.Process(service.process.pid).children()
        assert len(children) == 2
        service.process.kill()
        await eventually(lambda: not any(child.is_running() for child in children), "the children's end")


async def _is(service: Sample, path: str, status: int) -> bool:
    return (await service.get(path, ops=True))[0] == status


async def _says(service: Sample, word: str) -> bool:
    status, text = await service.get("/readyz", ops=True)
    return status == 503 and word in text


async def _answers(service: Sample) -> float:
    _, text = await service.get("/metrics", ops=True)
    return sum(
        float(line.split()[1]) for line in text.splitlines() if line.startswith("sample_answers_total ")
    )


class _Node:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.own = self


def test_what_only_holds_itself_is_let_go_of() -> None:
    """However calm its collector, a service does not grow by what nobody can reach any more."""
    before = gc.get_threshold()
    calm_the_collector()
    try:
        nodes = [weakref.ref(_Node()) for _ in range(3 * FEW_NEW_OBJECTS)]
        assert sum(node() is not None for node in nodes) <= FEW_NEW_OBJECTS
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
