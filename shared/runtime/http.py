"""The public HTTP side of a service: listen, and on SIGTERM finish what has begun."""

import structlog
from aiohttp import web

from shared.runtime.context import GRACE, CannotStart, Context
from shared.runtime.settings import Address

log = structlog.get_logger(__name__)

BACKLOG = 1024

DRAIN_TIMEOUT = GRACE - 5
"""Seconds for requests in flight; leaves time to close connections to broker and database."""


LISTENING = "listening"
"""The check that is red until the address is ours."""


async def not_yet() -> str:
    """Say that we do not listen yet."""
    return "not yet"


async def _well() -> str:
    return ""


async def serve(context: Context, runner: web.BaseRunner) -> None:
    """Serve on `HEDDLE_LISTEN` until the context stops, then let the requests in flight finish.

    Raises CannotStart when the address is taken.

    Args:
        context: The running process; its settings must have `listen`.
        runner: `AppRunner` or `ServerRunner`, made with `handle_signals=False`,
            `shutdown_timeout=DRAIN_TIMEOUT` and `access_log=None`.
    """
    address = context.settings.listen
    if address is None:
        raise ValueError("HEDDLE_LISTEN is not set")
    await runner.setup()
    try:
        site = web.TCPSite(
            runner, address.host, address.port, backlog=BACKLOG, reuse_port=context.shares_port or None
        )
        try:
            await site.start()
        except OSError as error:
            raise CannotStart(f"cannot listen on {address}: {error}") from error
        context.ready.add(LISTENING, _well)
        log.info("listening", address=str(Address(*runner.addresses[0][:2])))
        await context.stopping.wait()
    finally:
        await runner.cleanup()
