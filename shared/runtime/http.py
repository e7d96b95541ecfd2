"""The public HTTP side of a service: listen, and on SIGTERM finish what has begun."""

from typing import Protocol

import structlog
from aiohttp import web

from shared.runtime.context import GRACE, CannotStart, Context
from shared.runtime.listening import Listener, listen
from shared.runtime.settings import Address

log = structlog.get_logger(__name__)

DRAIN_TIMEOUT = GRACE - 5
"""Seconds for requests in flight; leaves time to close connections to broker and database."""


LISTENING = "listening"
"""The check that is red until the address is ours."""


async def not_yet() -> str:
    """Say that we do not listen yet."""
    return "not yet"


async def _well() -> str:
    return ""


class Server(Protocol):
    """What listens and answers."""

    async def start(self, host: str, port: int, *, share: bool) -> tuple[str, int]:
        """Listen, and return where; raises OSError. `share`: sibling processes listen there too."""

    async def stop(self) -> None:
        """Let the requests in flight finish, within `DRAIN_TIMEOUT`."""


class WebServer:
    """A web application as a server.

    Args:
        runner: `AppRunner` or `ServerRunner`, made with `handle_signals=False`,
            `shutdown_timeout=DRAIN_TIMEOUT` and `access_log=None`.
    """

    def __init__(self, runner: web.BaseRunner) -> None:
        self._runner = runner
        self._listener: Listener | None = None

    async def start(self, host: str, port: int, *, share: bool) -> tuple[str, int]:
        """Listen, and return where; raises OSError."""
        await self._runner.setup()
        if self._runner.server is None:
            raise RuntimeError("the runner has no server")
        self._listener = await listen(self._runner.server, host, port, share=share)
        return self._listener.address

    async def stop(self) -> None:
        """Let the requests in flight finish."""
        if self._listener is not None:
            await self._listener.close()
        await self._runner.cleanup()


async def serve(context: Context, server: Server) -> None:
    """Serve on `HEDDLE_LISTEN` until the context stops, then let the requests in flight finish.

    Raises CannotStart when the address is taken.

    Args:
        context: The running process; its settings must have `listen`.
        server: Answers.
    """
    address = context.settings.listen
    if address is None:
        raise ValueError("HEDDLE_LISTEN is not set")
    try:
        try:
            where = await server.start(address.host, address.port, share=context.shares_port)
        except OSError as error:
            raise CannotStart(f"cannot listen on {address}: {error}") from error
        context.ready.add(LISTENING, _well)
        log.info("listening", address=str(Address(*where)))
        await context.stopping.wait()
    finally:
        await server.stop()
