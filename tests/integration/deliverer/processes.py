"""Deliverers as processes of their own, to be killed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.integration.world import ORIGIN, SECRET

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def deliverer_process(database_url: str, broker_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the service as a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HEDDLE_")}
    environment |= {
        "HEDDLE_ORIGIN": ORIGIN,
        "HEDDLE_DATABASE_URL": database_url,
        "HEDDLE_BROKER_URL": broker_url,
        "HEDDLE_SECRET_KEY": SECRET,
        "HEDDLE_ALLOW_PRIVATE_PEERS": "true",
        "HEDDLE_OPS_LISTEN": "127.0.0.1:0",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.fanout_deliverer",
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
