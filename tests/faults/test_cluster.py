"""A cluster of three nodes loses its leader, then its majority, and gets both back."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.queue.management import Management
from shared.queue.topology import INBOX_RECEIVED
from tests.faults.figures import Figures
from tests.faults.private_broker import PrivateBroker, is_fetched, private_cluster
from tests.faults.traffic import traffic_to
from tests.sites import Site

RATE = 30.0
SHORT = 4.0
LONG = 60.0

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not is_fetched(), reason="RabbitMQ's programs are not fetched: `make test` does it"),
]


async def members_of(nodes: list[PrivateBroker], queue: str) -> tuple[PrivateBroker, list[PrivateBroker]]:
    """Return the node that leads a queue, and the others."""
    async with Management(",".join(node.management_url for node in nodes)) as management:
        found: dict[str, Any] = msgspec.json.decode(await management.request("GET", f"/queues/%2F/{queue}"))
    assert sorted(found["members"]) == sorted(node.name for node in nodes)
    by_name = {node.name: node for node in nodes}
    leader = by_name.pop(found["leader"])
    return leader, list(by_name.values())


@pytest.mark.timeout(400)
@pytest.mark.parametrize("lasts", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)])
async def test_a_cluster_loses_its_leader_and_its_majority(
    own_database_url: str, tmp_path: Path, figures: Figures, lasts: float
) -> None:
    """Without the leader confirms go on; without a majority nothing is taken; rejoined, nothing was lost."""
    async with private_cluster(tmp_path / "cluster") as nodes:
        urls = ",".join(node.url for node in nodes)
        site = Site(name="loom", database_url=own_database_url, broker_url=urls, folder=tmp_path)
        async with traffic_to(site, figures) as traffic:
            pids = [process.pid for process in site.processes.values()]
            async with traffic.flowing(RATE):
                leader, others = await members_of(nodes, INBOX_RECEIVED)
                leader.kill()
                killed = time.monotonic()
                figures.recovered("broker leader", await traffic.until_answered(202, killed))
                await traffic.applied()

                others[0].kill()
                await traffic.until_answered(503, time.monotonic())
                without = time.monotonic()
                await asyncio.sleep(lasts)  # as long as there is no majority
                assert set(traffic.statuses(since=without)) == {503}
                assert "broker" in await site.trouble("inbox_receiver")

                back = time.monotonic()
                await asyncio.gather(leader.start(), others[0].start())
                await traffic.until_answered(202, back)
                await traffic.applied()
                figures.recovered("broker", time.monotonic() - back)
            await traffic.audit()
            assert [process.pid for process in site.processes.values()] == pids
    assert lasts == SHORT or figures.late() == []
