"""A service that does nothing of use, to watch the frame around it."""

import asyncio
import os

from aiohttp import web
from prometheus_client import Counter

from shared.protocol.errors import Unavailable
from shared.runtime.context import Context
from shared.runtime.http import DRAIN_TIMEOUT, WebServer, serve
from shared.runtime.service import run
from shared.runtime.startup import open_patiently

answers = Counter("sample_answers_total", "Requests answered")


async def answer(request: web.BaseRequest) -> web.Response:
    """Return our process id, after the seconds that the query asks for."""
    await asyncio.sleep(float(request.query.get("seconds", "0")))
    answers.inc()
    return web.Response(text=str(os.getpid()))


async def open_file() -> str:
    """Stand for a database: there once the file is there."""
    path = os.environ.get("SAMPLE_WAITS_FOR", "")
    if path and not os.path.exists(path):  # noqa: ASYNC240, PTH110 - a local file, in a test
        raise Unavailable("the file is not there")
    return path


async def fail() -> None:
    """Stand for work in the background that meets what nobody foresaw."""
    raise ZeroDivisionError("in the background")


async def main(context: Context) -> None:
    """Serve until told to stop."""
    await open_patiently(context, "file", open_file)
    if os.environ.get("SAMPLE_FAILS"):
        raise ZeroDivisionError("as asked")
    if os.environ.get("SAMPLE_FAILS_IN_BACKGROUND"):
        context.watch(asyncio.create_task(fail(), name="something"))
    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=DRAIN_TIMEOUT)
    await serve(context, WebServer(runner))


if __name__ == "__main__":
    run("sample", main, need=("origin", "listen"))
