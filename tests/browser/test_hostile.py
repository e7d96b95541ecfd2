"""Texts that others wrote, in a real browser: nothing of them runs, is fetched or becomes markup."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser

from shared.actions.posts import Draft
from shared.database import hosts, refusals
from shared.database.deliveries import State
from shared.database.pool import connect as connect_database
from shared.database.refusals import Refusal
from shared.protocol.messages import ReceivedRequest
from shared.queue.connection import connect
from tests.browser.looking import Look, looking
from tests.infrastructure import Infrastructure
from tests.integration.console.command_line import ORIGIN
from tests.integration.console.trouble import kill_letters, plan, received
from tests.integration.console.web_page import console_page
from tests.integration.federation.site import GatewaySite

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC)
SCRIPT = "window.hit=1"
HOSTILE = (
    f'"><script>{SCRIPT}</script>'
    f"'><img src=https://evil.example/x onerror={SCRIPT}>"
    f'<svg onload="{SCRIPT}"><iframe srcdoc="<script>parent.{SCRIPT}</script>"></iframe>'
    f'" onmouseover="{SCRIPT}" autofocus onfocus="{SCRIPT}" x="'
    f"</title></style></textarea><base href=https://evil.example/>{{{{7*7}}}}"
)
_TRACES = """
() => ({
  hit: window.hit,
  parts: document.querySelectorAll('script, iframe, object, embed, base, form[action^="http"]').length,
  handlers: [...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())
    .filter((name) => name.startsWith('on')).length,
  strangers: document.querySelectorAll('img[src*="evil"], svg[onload], [href^="javascript:" i]').length,
})
"""
NOTHING = {"hit": None, "parts": 0, "handlers": 0, "strangers": 0}


async def traces(look: Look, path: str) -> dict[str, int | None]:
    """Open a page, wander over all of it, and return what of the hostile text came to life."""
    await look.open(path)
    for summary in await look.page.locator("summary:visible").all():
        await summary.click()
    await look.page.mouse.move(200, 200)
    await look.page.keyboard.press("Tab")
    found: dict[str, int | None] = await look.page.evaluate(_TRACES)
    return found


def hostile_letter(number: int) -> ReceivedRequest:
    """Return a message whose every part is hostile."""
    letter = received(number)
    return ReceivedRequest(
        method="POST",
        target=f"/inbox?{HOSTILE}",
        headers=(("x", HOSTILE),),
        body=HOSTILE.encode(),
        received_at=NOW,
        trace=letter.trace,
        activity_id=f"https://birch.example/{HOSTILE}",
        activity_type=HOSTILE,
        actor=f"https://birch.example/{HOSTILE}",
    )


async def trouble(database_url: str, broker_url: str) -> None:
    """Have everything that the console shows go wrong with hostile words."""
    async with connect(broker_url, "test") as broker:
        await broker.wait_until_up()
        await kill_letters(broker, 2, make=hostile_letter, detail=HOSTILE)
    conn = await connect_database(database_url, application_name="test")
    try:
        host = hosts.Trouble(host=f"evil.example{HOSTILE}", error=HOSTILE, at=NOW, next_try_at=NOW)
        await hosts.record_troubles(conn, [host])
        refusal = Refusal(
            activity_uri=f"{ORIGIN}/activities/5",
            actor_uri=HOSTILE,
            stage=HOSTILE,
            reason=HOSTILE,
            detail=HOSTILE,
            trace=HOSTILE,
        )
        await refusals.record(conn, [refusal])
        inbox = f"https://evil.example/{HOSTILE}"
        await plan(conn, {inbox: State.DEAD}, subject=HOSTILE, activity=f"{ORIGIN}/activities/5")
        await conn.execute("UPDATE deliveries SET reason = $1, host = $2", HOSTILE, host.host)
    finally:
        await conn.close()


async def test_nothing_runs_in_the_console(
    browser: Browser, infrastructure: Infrastructure, own_database_url: str, own_broker_url: str
) -> None:
    """Names, errors, reasons and the bodies of dead letters are text on every page of the console."""
    await trouble(own_database_url, own_broker_url)
    async with (
        console_page(infrastructure, own_database_url, own_broker_url) as origin,
        looking(browser, origin) as look,
    ):
        for path in (
            "/",
            "/hosts",
            "/dead",
            f"/trace?activity={ORIGIN}/activities/5",
            f"/trace?activity={HOSTILE}",
        ):
            assert await traces(look, path) == NOTHING, path
            assert "onerror" in await look.page.content(), f"{path} shows the hostile words"
        await look.open("/hosts")
        await look.page.locator("a", has_text="evil.example").first.click()
        assert await look.page.evaluate(_TRACES) == NOTHING
        assert [one for one in look.complaints if "status of 404" not in one] == []
        assert look.elsewhere == []


async def hostile_pages(site: GatewaySite) -> list[str]:
    """Have people and posts whose every plain text is hostile; return the paths of their pages."""
    ada = await site.account("ada", display_name=HOSTILE)
    field = {"name": HOSTILE, "value": "x", "verified_at": None}
    await site.execute(
        "UPDATE actors SET fields = $2, display_name = $3 WHERE id = $1", ada.id, [field], HOSTILE
    )
    post = await site.post(ada, Draft(text=HOSTILE, spoiler_text=HOSTILE, language="en"))
    poll = {"options": [{"name": HOSTILE, "votes": 1}]}
    picture = {"url": "data:,", "media_type": "image/png", "description": HOSTILE}
    emoji = {"shortcode": "x", "url": 'https://evil.example/"onerror="window.hit=1'}
    await site.execute(
        "UPDATE statuses SET poll=$2, attachments=$3, emojis=$4, title=$5, language=$5 WHERE id = $1",
        post,
        poll,
        [picture],
        [emoji],
        HOSTILE,
    )
    return ["/", "/@ada", f"/@ada/{post}", "/@ada?replies=1", f"/tags/{HOSTILE.replace('/', '')}"]


async def test_nothing_runs_on_the_pages(browser: Browser, site: GatewaySite) -> None:
    """Names, warnings, fields, polls, descriptions and titles are text on every public page."""
    paths = await hostile_pages(site)
    async with looking(browser, site.origin) as look:
        for path in paths:
            assert await traces(look, path) == NOTHING, path
        assert [one for one in look.elsewhere if "evil" in one] == []
        assert [one for one in look.complaints if "status of 404" not in one] == []


async def test_the_policy_holds_where_nothing_was_cleaned(browser: Browser, site: GatewaySite) -> None:
    """Were markup ever stored as it came, the page's policy would let none of it run or leave."""
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="x"))
    link = f'<a id="bait" href="javascript:{SCRIPT}">x</a>'
    link += '<form action="https://evil.example/"><button id="go">x</button></form>'
    await site.execute("UPDATE statuses SET content = $2 WHERE id = $1", post, link + HOSTILE)
    async with looking(browser, site.origin) as look:
        await look.open(f"/@ada/{post}")
        assert await look.page.locator("script").count() > 0, "the markup is there"
        await look.page.locator("#bait").evaluate("one => one.click()")
        await look.page.locator("#go").evaluate("one => one.click()")
        assert await look.page.evaluate("window.hit") is None
        assert look.page.url.startswith(site.origin)
        assert any("Content Security Policy" in one for one in look.complaints)
        asked = {one for one in look.elsewhere if not one.startswith("about:")}
        assert asked <= {"https://evil.example/x"}, "pages do show pictures of other servers, and no more"
