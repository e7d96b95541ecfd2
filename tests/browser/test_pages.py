"""The pages for people, in a real browser, on a phone and in the dark."""

from typing import Literal
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, expect

from shared.actions.posts import Draft
from tests.browser.looking import DESK, PHONE, SMALLEST, looking
from tests.integration.federation.site import GatewaySite

pytestmark = pytest.mark.browser

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3


async def furnish(site: GatewaySite) -> list[str]:
    """Fill a site with everything that pages can show; return the paths of its pages."""
    ada = await site.account("ada", display_name="Ada, Countess of Lovelace, Enchantress of Numbers")
    grace = await site.account("grace")
    fields = [
        {
            "name": "Home",
            "value": '<a href="https://ada.example/">https://ada.example/</a>',
            "verified_at": "2026-01-01T00:00:00Z",
        },
        {"name": LONG[:100], "value": LONG},
    ]
    await site.execute(
        "UPDATE actors SET fields = $2, summary = $3, locked = true WHERE id = $1",
        ada.id,
        fields,
        f"<p>{LONG}</p><pre><code>{LONG}</code></pre>",
    )
    root = await site.post(ada, Draft(text=f"Hello #Looms\n\nhttps://example.org/{LONG}", language="en"))
    warned = await site.post(
        ada, Draft(text="It was the butler", spoiler_text="Spoiler, and a long one at that")
    )
    poll = {"options": [{"name": LONG, "votes": 3}, {"name": "Wool", "votes": 1}]}
    await site.execute("UPDATE statuses SET poll = $2 WHERE id = $1", root, poll)
    parent = root
    for number in range(6):
        parent = await site.post(grace if number % 2 else ada, Draft(text=LONG, in_reply_to_id=parent))
    await site.boost(ada, await site.post(grace, Draft(text="Worth sharing")))
    return ["/", "/@ada", "/@ada?replies=1", f"/@ada/{root}", f"/@ada/{warned}", "/tags/looms"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_render_without_a_complaint(browser: Browser, site: GatewaySite, scheme: str) -> None:
    """No page logs an error, violates its policy, or asks another site for anything; all text is legible."""
    paths = await furnish(site)
    async with looking(browser, site.origin, scheme="dark" if scheme == "dark" else "light") as look:
        for path in paths:
            await look.open(path)
            assert await look.faint_texts() == [], path
        assert look.complaints == []
        assert look.elsewhere == []
        darkness = sum(await look.background())
        assert darkness < 150 if scheme == "dark" else darkness > 600


@pytest.mark.parametrize("size", [SMALLEST, PHONE, DESK])
async def test_nothing_is_wider_than_the_window(
    browser: Browser, site: GatewaySite, size: tuple[int, int]
) -> None:
    """Long words, links, code and deep threads never make a page scroll sideways, however small the phone."""
    paths = await furnish(site)
    async with looking(browser, site.origin, size=size) as look:
        for path in [*paths, "/@nobody", "/oauth/authorize"]:
            await look.open(path)
            assert await look.overflow() <= 0, path


async def test_a_content_warning_opens_without_script(browser: Browser, site: GatewaySite) -> None:
    """What is behind a content warning is hidden until it is clicked or opened by key, with scripts off."""
    await furnish(site)
    async with looking(browser, site.origin, size=PHONE, script=False) as look:
        await look.open("/@ada")
        hidden = look.page.get_by_text("It was the butler")
        warning = look.page.get_by_text("Spoiler, and a long one at that")
        await expect(hidden).to_be_hidden()
        await warning.click()
        await expect(hidden).to_be_visible()
        await look.page.locator("details.warned > summary").first.press("Enter")
        await expect(hidden).to_be_hidden()


async def test_pages_can_be_read_by_ear_and_key(browser: Browser, site: GatewaySite) -> None:
    """Each page has one main part and one first heading, pictures have alternatives, and Tab skips ahead."""
    paths = await furnish(site)
    async with looking(browser, site.origin) as look:
        for path in [*paths, "/@nobody"]:
            await look.open(path)
            assert await look.page.locator("main").count() == 1, path
            assert await look.page.locator("h1").count() == 1, path
            assert await look.page.locator("img:not([alt])").count() == 0, path
            assert await look.page.locator("html[lang]").count() == 1
            await look.page.keyboard.press("Tab")
            assert await look.page.evaluate("document.activeElement.className") == "skip"
            await look.page.keyboard.press("Enter")
            assert look.page.url.endswith("#main")


async def test_links_lead_through_the_site(browser: Browser, site: GatewaySite) -> None:
    """From the front page a person reaches a post, its author and a hashtag by clicking."""
    await furnish(site)
    async with looking(browser, site.origin, size=PHONE) as look:
        await look.open("/")
        await look.page.get_by_role("link", name="#Looms").click()
        await expect(look.page.get_by_role("heading", level=1)).to_have_text("#looms")
        await look.page.locator("a.when").click()
        await expect(look.page.locator("article.focus")).to_contain_text("Hello")
        await look.page.locator("article.focus a.who").click()
        await expect(look.page.get_by_role("heading", level=1)).to_contain_text("Countess of Lovelace")
        await look.page.get_by_role("link", name="Posts and replies").click()
        await expect(look.page.locator("nav.tabs [aria-current=page]")).to_have_text("Posts and replies")
        assert look.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_sign_in_page_fits_a_phone(browser: Browser, site: GatewaySite, scheme: str) -> None:
    """The page on which a person lets an app in is legible, fits the smallest phone and needs no script."""
    form = {"client_name": "Loom Reader", "redirect_uris": "https://app.example/back", "scopes": "read write"}
    async with site.http.post(f"{site.origin}/api/v1/apps", data=form) as response:
        client_id = (await response.json())["client_id"]
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": form["redirect_uris"],
            "scope": form["scopes"],
        }
    )
    dark_or_light: Literal["dark", "light"] = "dark" if scheme == "dark" else "light"
    async with looking(browser, site.origin, size=SMALLEST, scheme=dark_or_light) as look:
        await look.open(f"/oauth/authorize?{query}")
        await expect(look.page.locator("main")).to_contain_text("Loom Reader")
        assert await look.overflow() <= 0
        assert await look.faint_texts() == []
        await look.page.get_by_label("Name").fill("nobody")
        await look.page.get_by_label("Password").fill("wrong password")
        await look.page.get_by_role("button", name="Sign in").click()
        await expect(look.page.get_by_role("alert")).to_be_visible()
        assert await look.faint_texts() == []
        assert [one for one in look.complaints if "status of 4" not in one] == []
