"""Pages for people: what they show, to whom, and what they never do."""

import re
from html import escape
from html.parser import HTMLParser

import msgspec
import pytest

from shared.actions.posts import Draft
from shared.database import domain_blocks
from shared.database.domain_blocks import DomainBlock
from shared.database.quotes import QuoteState
from shared.protocol.objects import Visibility
from tests.integration.federation.site import Answer, GatewaySite

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
EVIL = """<script>alert(1)</script>"><img src=x onerror=alert(1)>"""


class ScriptFinder(HTMLParser):
    """Reads a page as a browser does and fails at anything that would run or that the policy forbids."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check one element."""
        assert tag not in {"script", "style", "iframe", "object", "embed", "base"}, tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name != "style"
            assert not (value or "").strip().lower().startswith(("javascript:", "data:text")), value


async def page(site: GatewaySite, path: str, status: int = 200) -> str:
    """Return a page's HTML after checking what holds for every page."""
    answer = await site.get(path, accept=BROWSER)
    assert answer.status == status, path
    check_page(answer)
    return answer.text


def check_page(answer: Answer) -> None:
    """Check that a page is HTML under a policy that allows no script, and has none."""
    assert answer.media_type == "text/html"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    ScriptFinder().feed(answer.text)


def posts_on(html: str) -> list[str]:
    """Return the texts of the posts on a page, in order."""
    return re.findall(r'<div class="text" dir="auto"[^>]*><p>(.*?)</p>', html)


async def test_a_profile_shows_who_it_is_and_what_they_said(site: GatewaySite) -> None:
    """A profile has name, handle, text, counts and public posts, the newest first; replies on request."""
    ada = await site.account("ada", display_name="Ada Lovelace")
    await site.execute("UPDATE actors SET summary = '<p>Countess</p>' WHERE id = $1", ada.id)
    first = await site.post(ada, Draft(text="First"))
    await site.post(ada, Draft(text="Unlisted", visibility=Visibility.UNLISTED))
    await site.post(ada, Draft(text="An answer", in_reply_to_id=first))
    await site.post(ada, Draft(text="Friends only", visibility=Visibility.FOLLOWERS))
    await site.post(ada, Draft(text="Just for one", visibility=Visibility.DIRECT))
    html = await page(site, "/@ada")
    assert "Ada Lovelace" in html
    assert "<p>Countess</p>" in html
    assert f"@ada@<wbr>{site.gateway.site.uris.host}" in html
    assert posts_on(html) == ["Unlisted", "First"]
    assert posts_on(await page(site, "/@ada?replies=1")) == ["An answer", "Unlisted", "First"]
    assert posts_on(await page(site, f"/@ADA@{site.gateway.site.uris.host}")) == ["Unlisted", "First"]


async def test_a_long_profile_is_read_page_by_page(site: GatewaySite) -> None:
    """Following the links to older posts and back shows every post once in each direction."""
    ada = await site.account("ada")
    texts = [f"Number {number}" for number in range(45)]
    for text in texts:
        await site.post(ada, Draft(text=text))
    pages = await walk(site, "/@ada", "next")
    assert [text for _, html in pages for text in posts_on(html)] == texts[::-1]
    back = await walk(site, pages[-1][0], "prev")
    assert [text for _, html in reversed(back) for text in posts_on(html)] == texts[::-1]


async def walk(site: GatewaySite, path: str, relation: str) -> list[tuple[str, str]]:
    """Follow the links of a relation to the end; return the paths and what was on them."""
    seen: list[tuple[str, str]] = []
    while path:
        seen.append((path, await page(site, path)))
        path = link(seen[-1][1], relation)
    return seen


def link(html: str, relation: str) -> str:
    """Return where the link of a relation leads, as a path."""
    found = re.search(rf'<a rel="{relation}" href="([^"]+)"', html)
    return found[1].replace("&amp;", "&") if found else ""


async def test_whatever_people_write_is_text(site: GatewaySite) -> None:
    """Names, warnings, posts, descriptions and fields with markup in them show it instead of being it."""
    ada = await site.account("ada", display_name=EVIL[:80])
    post = await site.post(ada, Draft(text=f"{EVIL} #evil", spoiler_text=EVIL))
    attachment = {"url": "https://x.example/a.png", "media_type": "image/png", "description": EVIL}
    await site.execute(
        "UPDATE statuses SET attachments = $2, title = $3 WHERE id = $1", post, [attachment], EVIL
    )
    field = {"name": EVIL, "value": f'<a href="https://x.example/">{escape(EVIL)}</a>'}
    await site.execute("UPDATE actors SET fields = $2 WHERE id = $1", ada.id, [field])
    for path in ("/", "/@ada", f"/@ada/{post}", "/tags/evil"):
        html = await page(site, path)
        assert "<img src=x" not in html
        assert "&lt;script&gt;" in html


async def test_a_profiles_links_are_its_own(site: GatewaySite) -> None:
    """Links in a profile's table carry rel=me, so that other sites can verify them; verified ones show it."""
    ada = await site.account("ada")
    fields = [
        {
            "name": "Home",
            "value": '<a href="https://ada.example/" rel="nofollow">ada.example</a>',
            "verified_at": "2026-01-01T00:00:00Z",
        },
        {"name": "Pronouns", "value": "she/her"},
    ]
    await site.execute("UPDATE actors SET fields = $2 WHERE id = $1", ada.id, fields)
    html = await page(site, "/@ada")
    anchor = re.search(r'<a href="https://ada.example/" rel="([^"]+)">', html)
    assert anchor is not None
    assert "me" in anchor[1].split()
    assert '<link rel="me" href="https://ada.example/">' in html
    assert "verified" in html
    assert "she/her" in html


async def test_a_post_stands_in_its_thread(site: GatewaySite) -> None:
    """A post's page shows what it answers above and the answers below, each after what it answers."""
    ada, grace = await site.account("ada"), await site.account("grace")
    root = await site.post(ada, Draft(text="Root"))
    middle = await site.post(grace, Draft(text="Middle", in_reply_to_id=root))
    first = await site.post(ada, Draft(text="First answer", in_reply_to_id=middle))
    await site.post(grace, Draft(text="Second answer", in_reply_to_id=middle))
    await site.post(grace, Draft(text="Below the first", in_reply_to_id=first))
    await site.post(grace, Draft(text="Secret", in_reply_to_id=middle, visibility=Visibility.FOLLOWERS))
    html = await page(site, f"/@grace/{middle}")
    assert posts_on(html) == ["Root", "Middle", "First answer", "Below the first", "Second answer"]
    assert "depth-2" in html


async def test_a_quoted_post_is_shown_with_its_author(site: GatewaySite) -> None:
    """A post's page shows whom it quotes and what they wrote, behind their warning; not without consent."""
    ada, grace = await site.account("ada"), await site.account("grace")
    quoted = await site.post(grace, Draft(text="Looms <b>came</b> first"))
    post = await site.post(ada, Draft(text="So true", quoted_id=quoted))
    address = f'<blockquote class="quoted" cite="{site.gateway.site.uris.post_page("grace", quoted)}">'
    shown = (await page(site, f"/@ada/{post}")).partition(address)[2]
    assert "grace" in shown.partition("</blockquote>")[0]
    assert "Looms &lt;b&gt;came&lt;/b&gt; first" in shown.partition("</blockquote>")[0]
    await site.execute("UPDATE statuses SET spoiler_text = 'History' WHERE id = $1", quoted)
    warned = (await page(site, f"/@ada/{post}")).partition(address)[2].partition("</blockquote>")[0]
    assert "History" in warned
    assert "Looms" not in warned
    await site.execute("UPDATE quotes SET state = $1", QuoteState.REVOKED)
    assert 'class="quoted"' not in await page(site, f"/@ada/{post}")


async def test_what_is_not_for_everybody_is_not_there(site: GatewaySite) -> None:
    """Private posts, unknown ones and another's name in the address are one page that says 404."""
    ada = await site.account("ada")
    await site.account("grace")
    private = await site.post(ada, Draft(text="Secret", visibility=Visibility.FOLLOWERS))
    public = await site.post(ada, Draft(text="Public"))
    for path in (
        f"/@ada/{private}",
        f"/@grace/{public}",
        "/@ada/1",
        "/@ada/x",
        "/@nobody",
        "/@ada@elsewhere.example",
        "/nowhere",
        "/@ada%00",
    ):
        html = await page(site, path, 404)
        assert "There is nothing here" in html
        assert "Secret" not in html


async def test_a_boosts_address_leads_to_what_it_shares(site: GatewaySite) -> None:
    """The page of a boost is the page of the boosted post."""
    ada, grace = await site.account("ada"), await site.account("grace")
    post = await site.post(grace, Draft(text="Worth it"))
    boost = await site.boost(ada, post)
    answer = await site.get(f"/@ada/{boost}", accept=BROWSER)
    assert (answer.status, answer.headers["Location"]) == (
        302,
        site.gateway.site.uris.post_page("grace", post),
    )
    html = await page(site, "/@ada")
    assert "boosted" in html
    assert posts_on(html) == ["Worth it"]


async def test_the_front_page_shows_public_posts_of_this_site(site: GatewaySite) -> None:
    """The front page says what the site is, how to sign in, and lists public posts but no replies."""
    ada = await site.account("ada")
    assert "Nobody has written in public yet" in await page(site, "/")
    root = await site.post(ada, Draft(text="Public"))
    await site.post(ada, Draft(text="Unlisted", visibility=Visibility.UNLISTED))
    await site.post(ada, Draft(text="Answer", in_reply_to_id=root))
    html = await page(site, "/")
    assert posts_on(html) == ["Public"]
    assert site.origin in html


async def test_a_hashtags_page_finds_every_spelling(site: GatewaySite) -> None:
    """A hashtag's page lists public posts, whatever the case of the tag in post and address."""
    ada = await site.account("ada")
    await site.post(ada, Draft(text="About #Looms"))
    await site.post(ada, Draft(text="More on #LOOMS", visibility=Visibility.UNLISTED))
    html = await page(site, "/tags/lOOms")
    assert len(posts_on(html)) == 1
    assert "No public post here" in await page(site, "/tags/weaving")


async def test_search_engines_are_told_who_wants_to_be_found(site: GatewaySite) -> None:
    """Pages of those who do not want to be indexed, and unlisted posts, say noindex."""
    ada = await site.account("ada")
    public = await site.post(ada, Draft(text="Public"))
    unlisted = await site.post(ada, Draft(text="Unlisted", visibility=Visibility.UNLISTED))
    assert "noindex" not in await page(site, "/@ada")
    assert "noindex" not in await page(site, f"/@ada/{public}")
    assert "noindex" in await page(site, f"/@ada/{unlisted}")
    await site.execute("UPDATE actors SET indexable = false WHERE id = $1", ada.id)
    assert "noindex" in await page(site, "/@ada")
    assert "noindex" in await page(site, f"/@ada/{public}")


async def test_a_shared_link_shows_a_preview(site: GatewaySite) -> None:
    """A post's page carries OpenGraph data, of the warning only where there is one."""
    ada = await site.account("ada", display_name="Ada")
    open_post = await site.post(ada, Draft(text="In the open"))
    warned = await site.post(ada, Draft(text="The murderer is", spoiler_text="Spoiler"))
    html = await page(site, f"/@ada/{open_post}")
    assert '<meta property="og:description" content="In the open">' in html
    html = await page(site, f"/@ada/{warned}")
    assert '<meta property="og:description" content="Spoiler">' in html
    assert "<title>Ada: Spoiler</title>" in html


async def test_an_account_that_does_not_share_has_a_page_without_a_document(site: GatewaySite) -> None:
    """The page of an account that is not federated says so and names no document for servers."""
    await site.account("hidden", federated=False)
    html = await page(site, "/@hidden")
    assert "does not share with other servers" in html
    assert "application/activity+json" not in html


async def test_the_style_sheet_may_be_kept_for_ever(site: GatewaySite) -> None:
    """The style sheet's address changes with its content, so that it can be kept for a year."""
    await site.account("ada")
    html = await page(site, "/@ada")
    found = re.search(r'<link rel="stylesheet" href="([^"]+)">', html)
    assert found is not None
    answer = await site.get(found[1])
    assert (answer.status, answer.media_type) == (200, "text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    bare = await site.get(found[1].partition("?")[0])
    assert "immutable" not in bare.headers["Cache-Control"]
    assert (await site.get("/static/../app.py")).status == 404


@pytest.mark.parametrize("path", ["/", "/@ada", "/tags/looms"])
async def test_a_database_that_is_away_is_a_page_that_says_so(site: GatewaySite, path: str) -> None:
    """Without the database a person gets a page with 503 and a request to come back, a server the problem."""
    await site.gateway.pool.close()
    answer = await site.get(path, accept=BROWSER)
    check_page(answer)
    assert (answer.status, "Back in a moment" in answer.text) == (503, True)
    for_servers = await site.get("/users/1", accept="application/activity+json")
    assert for_servers.status == 503
    assert msgspec.json.decode(for_servers.body)["status"] == 503


async def test_moderated_servers_are_named_with_the_reason(site: GatewaySite) -> None:
    """Everybody can read which servers are moderated, how, and the public reason; not the private one."""
    assert "No server is moderated" in await page(site, "/about/servers")
    async with site.gateway.pool.acquire() as conn:
        block = DomainBlock(
            domain="spam.example", severity="suspend", public_comment="spam & <b>", private_comment="Mel said"
        )
        await domain_blocks.put(conn, [block])
    html = await page(site, "/about/servers")
    assert "spam.example" in html
    assert "suspended" in html
    assert "spam &amp; &lt;b&gt;" in html
    assert "Mel said" not in html
    assert 'href="/about/servers"' in await page(site, "/")
