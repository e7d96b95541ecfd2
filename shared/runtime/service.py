"""The frame of every service: settings, logs, ops server, signals, and an orderly end."""

import asyncio
import gc
import os
import resource
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import structlog
import uvloop

from shared.runtime import workers
from shared.runtime.context import GRACE, CannotStart, Context, Stopped
from shared.runtime.health import OpsServer, ops_server
from shared.runtime.http import LISTENING, not_yet
from shared.runtime.settings import Settings, SettingsError, load_settings
from shared.telemetry import logging as logs

log = structlog.get_logger(__name__)

Main = Callable[[Context], Awaitable[None]]
USAGE_ERROR = 2
MOST_FILES = 65_536
FEW_NEW_OBJECTS = 10_000
"""More objects than this that are new and still there are looked through for what only holds itself."""


def run(name: str, main: Main, *, need: Sequence[str]) -> None:
    """Run a service until SIGTERM or SIGINT; never returns.

    Exits with 0 after an orderly stop, 1 when `main` failed, 2 on wrong settings.

    Args:
        name: The service, `inbox-receiver` for instance.
        main: Does the work until `context.stopping` is set, then finishes what is in hand and returns.
        need: Settings that must be set; `ops_listen` always is one of them.
    """
    settings = settings_or_exit(name, need=(*need, "ops_listen"))
    logs.configure(name, settings.log_format, settings.log_level)
    raise_file_limit()
    worker = workers.place_of_this_process()
    if settings.processes > 1 and worker is None:
        sys.exit(uvloop.run(workers.supervise(settings)))
    calm_the_collector()
    context = Context(name=name, settings=settings, shares_port=worker is not None)
    if "listen" in need:
        context.ready.add(LISTENING, not_yet)
    sys.exit(uvloop.run(_run_one(context, main, worker)))


def calm_the_collector() -> None:
    """Have garbage looked for less often, and never among what was there at the start.

    A batch is gone by itself when it is done; looking through its parts meanwhile, and through all modules
    now and then, costs a service a twentieth of its time and makes whoever waits for an answer wait longer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(FEW_NEW_OBJECTS, 10, 10)


def raise_file_limit() -> None:
    """Allow this process as many open files as it may have: a service holds thousands of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def settings_or_exit(name: str, *, need: Sequence[str]) -> Settings:
    """Return the settings, or print a line for each problem and exit with 2."""
    try:
        return load_settings(need=need)
    except SettingsError as error:
        for problem in error.problems:
            print(f"{name}: {problem}", file=sys.stderr)  # noqa: T201 - there is no log yet
        sys.exit(USAGE_ERROR)


async def _run_one(context: Context, main: Main, worker: workers.Place | None) -> int:
    settings = context.settings
    workers.catch_signals(context.stopping)
    async with AsyncExitStack() as stack:
        if worker is not None:
            stack.callback(worker.stop_with_parent(context.stopping))
        where = worker.socket if worker is not None else settings.ops_listen
        if where is None:
            raise ValueError("HEDDLE_OPS_LISTEN is not set")
        try:
            address = await stack.enter_async_context(ops_server(OpsServer(context.ready), where))
        except OSError as error:
            return _exit_code(CannotStart(f"cannot listen on {settings.ops_listen}: {error}"))
        log.info("service_started", pid=os.getpid(), ops=address)
        return await _until_done(context, main)


async def _until_done(context: Context, main: Main) -> int:
    """Run `main`; once we are to stop, it has the grace period to return."""
    work = asyncio.ensure_future(main(context))
    stop = asyncio.create_task(context.stopping.wait())
    await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
    context.ready.draining = True
    stop.cancel()
    if not work.done():
        log.info("service_stopping")
        await asyncio.wait((work,), timeout=GRACE)
    if not work.done():
        log.warning("service_grace_over", seconds=GRACE)
        work.cancel()
        await asyncio.wait((work,), timeout=1.0)
        return 1
    failures = [*context.failures, None if work.cancelled() else work.exception()]
    return _exit_code(failures[0])


def _exit_code(error: BaseException | None) -> int:
    match error:
        case None | Stopped():
            log.info("service_stopped")
            return 0
        case CannotStart():
            log.error("service_cannot_start", error=str(error))
        case _:
            log.error("service_failed", exc_info=error)
    return 1
