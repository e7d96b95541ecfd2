"""Liveness, readiness and metrics of a process, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from shared.runtime.settings import Address
from shared.telemetry import metrics

Check = Callable[[], Awaitable[str]]
"""Returns what is wrong in a few words, or an empty string."""

CHECK_TIMEOUT = 2.0


class Readiness:
    """Whether work may be sent here: there are checks, each is well, and we are not draining.

    Before the first check is registered the process counts as starting.
    """

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self.draining = False

    def add(self, name: str, check: Check) -> None:
        """Register a check under a name; the last one of a name counts."""
        self._checks[name] = check

    def remove(self, name: str) -> None:
        """Forget a check."""
        self._checks.pop(name, None)

    async def report(self) -> tuple[bool, dict[str, str]]:
        """Return whether all is well, and what each check says (`ok` or the trouble)."""
        names = list(self._checks)
        problems = await asyncio.gather(*(_ask(self._checks[name]) for name in names))
        report = {name: problem or "ok" for name, problem in zip(names, problems, strict=True)}
        if self.draining or not names:
            report["lifecycle"] = "draining" if self.draining else "starting"
        return bool(names) and not self.draining and not any(problems), report


async def _ask(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            return await check()
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # noqa: BLE001 - a broken check is a red check
        return f"{type(error).__name__}: {error}"


class OpsServer:
    """Answers `/livez`, `/readyz` and `/metrics`; liveness asks neither database nor broker."""

    def __init__(self, readiness: Readiness, render: Callable[[], bytes] = metrics.render) -> None:
        self._readiness = readiness
        self._render = render

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        match request.path:
            case "/livez":
                return web.Response(text="ok\n")
            case "/readyz":
                ready, checks = await self._readiness.report()
                return _json(200 if ready else 503, {"ready": ready, "checks": checks})
            case "/metrics":
                return web.Response(body=self._render(), headers={"Content-Type": metrics.CONTENT_TYPE})
        return web.Response(status=404, text="not found\n")


def _json(status: int, document: dict[str, bool | dict[str, str]]) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(document), content_type="application/json")


@asynccontextmanager
async def ops_server(server: OpsServer, where: Address | str) -> AsyncIterator[str]:
    """Serve on an address, or on the path of a Unix socket; yields where it listens."""
    runner = web.ServerRunner(web.Server(server.answer, access_log=None), handle_signals=False)
    await runner.setup()
    try:
        if isinstance(where, str):
            await web.UnixSite(runner, where).start()
            yield where
        else:
            await web.TCPSite(runner, where.host, where.port).start()
            yield str(Address(*runner.addresses[0][:2]))
    finally:
        await runner.cleanup()
