"""Content that would do something to whoever looks at it."""

import re
from typing import Any

import pytest

from tests.fakes.remote_actor import Json, RemoteActor
from tests.hostile.arena import Arena

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

SCRIPTS = {
    "a script": "<script>alert(1)</script>",
    "an event handler": '<p onclick="alert(1)">x</p>',
    "an image that fails": "<img src=x onerror=alert(1)>",
    "svg": "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "math": '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">',
    "style": "<style>*{background:url(http://evil.example/)}</style>",
    "a style attribute": '<p style="position:fixed;background:url(//evil.example)">x</p>',
    "an iframe": '<iframe src="https://evil.example/"></iframe>',
    "an object": '<object data="https://evil.example/"></object><embed src="https://evil.example/">',
    "a form": '<form action="https://evil.example/"><input name=password><button>go</button></form>',
    "a meta refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    "a base": '<base href="https://evil.example/">',
    "a javascript address": '<a href="javascript:alert(1)">x</a>',
    "a javascript address with a tab": '<a href="java\tscript:alert(1)">x</a>',
    "a javascript address in entities": '<a href="&#106;avascript&colon;alert(1)">x</a>',
    "a javascript address in capitals": '<a href=" JaVaScRiPt:alert(1)">x</a>',
    "a data address": '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "a vbscript address": '<a href="vbscript:x">x</a>',
    "a broken attribute": '<a title="</a><img src=x onerror=alert(1)>">x</a>',
    "a comment": "<!--><script>alert(1)</script>-->",
    "a template": "<template><script>alert(1)</script></template>",
    "a noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "a link of a known id": '<p id="content" class="modal" data-turbo="1" name="x">x</p>',
}
DANGEROUS = re.compile(
    r"<(?!/?(?:p|br|span|a|del|s|pre|blockquote|code|b|strong|u|i|em|ul|ol|li|ruby|rt|rp)\b)"
    r"|\son\w+\s*=|\sstyle=|\sid=|\sname=|(?:javascript|data|vbscript)\s*:",
    re.IGNORECASE,
)


def tags_of(html: str) -> str:
    """Return the tags of a text, without what stands between them."""
    return "".join(re.findall(r"<[^>]*>?", html))


async def status_of(arena: Arena, actor: RemoteActor, create: Json) -> Any:
    """Have a post come in; return it as the client API shows it."""
    assert await arena.hear(actor, create) == "applied"
    note = create["object"]
    assert isinstance(note, dict)
    row = await arena.pool.fetchval("SELECT id FROM statuses WHERE uri = $1", note["id"])
    return await arena.api("GET", f"/api/v1/statuses/{row}")


@pytest.mark.parametrize("script", SCRIPTS)
async def test_nothing_in_a_post_does_anything(arena: Arena, script: str) -> None:
    """Content, and the names, warnings and texts beside it, come out without anything that acts."""
    hostile = SCRIPTS[script]
    nora = arena.somebody()
    nora.host.serve(nora.document() | {"name": hostile, "summary": hostile}, at=nora.id)
    picture = {
        "type": "Document",
        "mediaType": "image/png",
        "url": "https://media.example/1.png",
        "name": hostile,
    }
    create = arena.post_of(nora, hostile, attachment=[picture], summary=hostile)
    status = await status_of(arena, nora, create)
    assert not DANGEROUS.search(tags_of(status["content"])), status["content"]
    assert not DANGEROUS.search(tags_of(status["account"]["note"])), status["account"]["note"]
    # What is plain text stays as it was written: whoever shows it escapes it.
    page = f"{arena.site.address}/@{status['account']['acct']}"
    async with arena.http.get(page) as answer:
        shown = await answer.text()
        assert answer.status < 500
    assert hostile not in shown
    assert nora.host.fetched.count("/1.png") == 0


async def test_nothing_beside_a_post_does_anything(arena: Arena) -> None:
    """Titles, options of polls, emoji, hashtags, links and languages come out as text, on pages, too."""
    hostile = "<img src=x onerror=alert(1)>\"'`"
    nora = arena.somebody()
    status = await arena.api("POST", "/api/v1/statuses", status=f"Hello {arena.unique()}")
    emoji = {"type": "Emoji", "name": f":{hostile}:", "icon": {"url": f"https://a.example/{hostile}.png"}}
    good = {"type": "Emoji", "name": ":blob:", "icon": {"url": 'https://a.example/"onload=alert(1)x=".png'}}
    mention = {"type": "Mention", "href": arena.ada_uri, "name": hostile}
    tags = [emoji, good, mention, {"type": "Hashtag", "name": f"#{hostile}", "href": "javascript:alert(1)"}]
    options = [{"type": "Note", "name": hostile}, {"type": "Note", "name": ":blob:"}]
    shapes: list[Json] = [
        {"type": "Question", "oneOf": options, "name": hostile},
        {"type": "Article", "name": hostile, "summary": hostile, "url": "javascript:alert(1)"},
        {"type": "Video", "name": hostile, "url": [{"type": "Link", "href": f"https://a.example/{hostile}"}]},
        {
            "type": "Note",
            "contentMap": {hostile: hostile},
            "source": {"content": hostile},
            "quoteUrl": hostile,
        },
    ]
    for shape in shapes:
        create = arena.post_of(nora, ":blob:", tag=tags, inReplyTo=status["uri"], **shape)
        shown = await status_of(arena, nora, create)
        assert not DANGEROUS.search(tags_of(shown["content"])), shown["content"]
        assert all("<" not in one["shortcode"] for one in shown["emojis"])
    async with arena.http.get(f"{arena.site.address}/@ada/{status['id']}") as answer:
        page = await answer.text()
        assert answer.status == 200
        assert "script-src 'none'" in answer.headers["Content-Security-Policy"] or (
            "default-src 'none'" in answer.headers["Content-Security-Policy"]
        )
    assert "<img src=x" not in page
    assert "javascript:" not in page
    assert not re.search(r"\sonload=", page)
    assert "&lt;img src=x" in page


ADDRESSES = (
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    " javascript:x",
    "data:text/html,x",
    "file:///etc/passwd",
)


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_address_in_a_document_does_anything(arena: Arena, address: str) -> None:
    """Addresses of posts, pictures, people and fields are web addresses, or left out."""
    nora = arena.somebody()
    field = {"type": "PropertyValue", "name": "site", "value": f'<a href="{address}">x</a>'}
    icon = {"type": "Image", "url": address}
    document = nora.document() | {"url": address, "icon": icon, "image": icon, "attachment": [field]}
    nora.host.serve(document, at=nora.id)
    emoji = {"type": "Emoji", "id": address, "name": ":evil:", "icon": icon}
    media = {"type": "Document", "mediaType": "image/png", "url": address}
    mention = {"type": "Mention", "href": arena.ada_uri, "name": "@ada"}
    create = arena.post_of(nora, url=address, attachment=[media], tag=[emoji, mention])
    status = await status_of(arena, nora, create)
    scheme = address.strip().lower().partition(":")[0]
    assert f"{scheme}:" not in str(status).lower()


@pytest.mark.parametrize(
    "name", ["no\u202era", "no\u200bra", "no\u2066ra", "nora\n", "no ra", "<b>nora</b>", "a" * 600, ""]
)
async def test_a_handle_that_deceives_is_refused(arena: Arena, name: str) -> None:
    """A name with invisible or turning characters, blanks or markup is nobody's handle."""
    nora = arena.somebody()
    nora.host.serve(nora.document() | {"preferredUsername": name}, at=nora.id)
    answer = await arena.fire(arena.shot(nora, arena.post_of(nora)))
    assert answer.status == 202
    await arena.settled()
    stored = await arena.pool.fetchval("SELECT username FROM actors WHERE uri = $1", nora.id)
    assert stored is None or re.fullmatch(r"[\w.~+!$:-]{1,255}", stored)


async def test_media_is_stored_and_never_fetched(arena: Arena) -> None:
    """The pipeline asks for no picture, icon, preview or emoji of what comes in."""
    media = arena.under(f"m{arena.unique()}.media.example", "127.0.0.1")
    nora = arena.somebody()
    picture = {"type": "Document", "mediaType": "image/png", "url": f"{media.origin}/1.png"}
    link = f'<p><a href="{media.origin}/page">{media.origin}/page</a></p>'
    status = await status_of(arena, nora, arena.post_of(nora, link, attachment=[picture]))
    assert [one["url"] for one in status["media_attachments"]] == [f"{media.origin}/1.png"]
    assert media.fetched == []
