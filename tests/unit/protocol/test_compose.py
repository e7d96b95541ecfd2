"""What people here write: found mentions, tags and links, and the HTML made of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.text import ActorLink, Scan, plain_text, render, render_field, sanitise_html, scan

_LINUS = ActorLink(uri="https://mast.example/users/2", url="https://mast.example/@linus", username="linus")
_GRACE = ActorLink(uri="https://loom.example/users/1", url="", username="grace")
_MENTIONS = {"linus@mast.example": _LINUS, "grace": _GRACE}
_PIECES = [
    "@linus@mast.example",
    "@grace",
    "#tag",
    "https://a.example/x?y=1&z",
    "http://",
    "<b>",
    "&amp;",
    "\n",
]


def _tag_url(tag: str) -> str:
    return f"https://loom.example/tags/{tag}"


def _html(text: str) -> str:
    return render(text, mentions=_MENTIONS, tag_url=_tag_url)


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("hi @linus@mast.example!", ("linus@mast.example",)),
        ("@Linus@MAST.example @linus@mast.example", ("linus@mast.example",)),
        ("(@grace) and @ada.", ("grace", "ada")),
        ("at @linus@mast.localhost:8090: see", ("linus@mast.localhost:8090",)),
        ("mail a@b.example", ()),
        ("https://mast.example/@linus", ()),
        ("see https://mast.example/@linus/1 @grace", ("grace",)),
        ("@@grace @", ()),
        ("@a.b@c-d.example.", ("a.b@c-d.example",)),
    ],
)
def test_mentions_are_found(text: str, mentions: tuple[str, ...]) -> None:
    """Handles are found once each, in lower case, and not inside links or addresses."""
    assert scan(text).mentions == mentions


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#Loom and #loom", ("Loom",)),
        ("#編み物 #été #1804 #1804s", ("編み物", "été", "1804s")),
        ("https://a.example/#frag a#b &#39; ##x", ()),
        ("(#a), #b.", ("a", "b")),
    ],
)
def test_hashtags_are_found(text: str, tags: tuple[str, ...]) -> None:
    """Tags are found once each as first written, and not inside links or entities."""
    assert scan(text).hashtags == tags


def test_mention_is_marked_up_as_the_field_expects() -> None:
    """A known handle links to the profile page inside an h-card."""
    assert _html("@linus@mast.example hi") == (
        '<p><span class="h-card" translate="no"><a href="https://mast.example/@linus" '
        'class="u-url mention" rel="nofollow noopener noreferrer">@<span>linus</span></a></span> hi</p>'
    )


def test_unknown_mention_stays_text() -> None:
    """A handle that nobody has is shown as written."""
    assert _html("@Nobody@x.example hi") == "<p>@Nobody@x.example hi</p>"


def test_hashtag_links_to_its_page() -> None:
    """A tag shows as written and links to its normalised name."""
    assert _html("#Loom") == (
        '<p><a href="https://loom.example/tags/loom" class="mention hashtag" rel="tag">'
        "#<span>Loom</span></a></p>"
    )


def test_long_link_is_shortened_for_reading_only() -> None:
    """Scheme and tail are hidden, not lost."""
    url = "https://museum.example/collections/looms/1804?a=1&b=2"
    html = _html(f"({url}).")
    assert f'href="{url.replace("&", "&amp;")}"' in html
    assert '<span class="ellipsis">museum.example/collections/loo</span>' in html
    assert plain_text(html) == f"({url})."


def test_paragraphs_and_line_breaks_are_kept() -> None:
    """An empty line makes a paragraph, a line break a break, whatever the line ends."""
    assert _html(" a\r\nb\n\n\n\nc ") == "<p>a<br>b</p><p>c</p>"
    assert _html("  \n ") == ""


def test_markup_is_text() -> None:
    """What looks like HTML is shown, not obeyed."""
    assert _html("<b>&amp;</b> javascript://x") == "<p>&lt;b&gt;&amp;amp;&lt;/b&gt; javascript://x</p>"


def test_field_link_carries_rel_me() -> None:
    """A link in a profile field can be verified by the other side."""
    assert 'rel="me nofollow noopener noreferrer"' in render_field("https://ada.example/")
    assert render_field("she <3 looms") == "she &lt;3 looms"


@settings(deadline=None)
@given(st.lists(st.one_of(st.text("@#ab./:<>&\"' 編-_", max_size=6), st.sampled_from(_PIECES))).map("".join))
def test_rendered_text_is_safe_and_says_what_was_written(text: str) -> None:
    """Sanitising changes at most the rel of a tag's link, and every word is still there."""
    mentions = {handle: ActorLink(uri="https://x.example/1", url="", username=handle) for handle in _MENTIONS}
    html = render(text, mentions=mentions, tag_url=_tag_url)
    assert sanitise_html(html) == html.replace('rel="tag"', 'rel="nofollow noopener noreferrer"')
    assert plain_text(html).split() == text.split()


def test_nothing_to_find_is_nothing_found() -> None:
    """An empty text has no mentions and no tags."""
    assert scan("") == Scan()
