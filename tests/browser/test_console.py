"""The operators' console, in a real browser, on a phone and in the dark."""

from datetime import UTC, datetime
from typing import Literal

import pytest
from playwright.async_api import Browser

from shared.database import hosts, refusals
from shared.database.deliveries import State
from shared.database.pool import connect as connect_database
from shared.database.refusals import Refusal
from shared.queue.connection import connect
from tests.browser.looking import DESK, SMALLEST, looking
from tests.infrastructure import Infrastructure
from tests.integration.console.command_line import ORIGIN
from tests.integration.console.trouble import kill_letters, plan
from tests.integration.console.web_page import console_page

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC)
LONG = "https://a-host-with-quite-a-long-name.example/users/somebody/activities/" + "0123456789abcdef" * 6


async def furnish(database_url: str, broker_url: str) -> None:
    """Make trouble of every kind."""
    async with connect(broker_url, "test") as broker:
        await broker.wait_until_up()
        await kill_letters(broker, 2)
    conn = await connect_database(database_url, application_name="test")
    try:
        trouble = hosts.Trouble(
            host="fir.example", error="connect_failed: " + "x" * 90, at=NOW, next_try_at=NOW
        )
        await hosts.record_troubles(conn, [trouble])
        refusal = Refusal(
            activity_uri=LONG,
            actor_uri=LONG,
            stage="signature_verifier",
            reason="key_mismatch",
            detail=LONG,
            trace="a",
        )
        await refusals.record(conn, [refusal] * 3)
        states = {"https://fir.example/inbox": State.PARKED, f"{LONG}/inbox": State.DEAD}
        await plan(conn, states, activity=f"{ORIGIN}/activities/5")
    finally:
        await conn.close()


@pytest.mark.parametrize("where", [(SMALLEST, "light"), (SMALLEST, "dark"), (DESK, "light"), (DESK, "dark")])
async def test_the_console_is_legible_everywhere(
    browser: Browser,
    infrastructure: Infrastructure,
    own_database_url: str,
    own_broker_url: str,
    where: tuple[tuple[int, int], Literal["light", "dark"]],
) -> None:
    """No page of the console scrolls sideways, has faint text, breaks its policy or asks another host."""
    await furnish(own_database_url, own_broker_url)
    async with (
        console_page(infrastructure, own_database_url, own_broker_url) as origin,
        looking(browser, origin, size=where[0], scheme=where[1]) as look,
    ):
        for path in ("/", "/hosts", "/hosts/fir.example", "/dead", f"/trace?activity={ORIGIN}/activities/5"):
            await look.open(path)
            assert await look.overflow() <= 0, path
            assert await look.faint_texts() == [], path
        assert look.complaints == []
        assert look.elsewhere == []
