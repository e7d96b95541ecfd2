"""Remote HTML: what is kept, and that nothing that runs gets through."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.text import clean_line, clean_text, excerpt, normalise_tag, plain_text, sanitise_html
from shared.protocol.text.hashtags import is_tag
from shared.protocol.text.sanitise import MAX_HTML_LENGTH, MAX_TAGS

_REL = 'rel="nofollow noopener noreferrer"'


@pytest.mark.parametrize(
    "html",
    [
        "<p>one<br>two</p>",
        "<p><strong>a</strong> <em>b</em> <b>c</b> <i>d</i> <u>e</u> <del>f</del> <s>g</s></p>",
        "<blockquote><p>said</p></blockquote>",
        "<pre><code>x = 1\n</code></pre>",
        '<ul><li>a</li></ul><ol start="3" reversed=""><li value="7">b</li></ol>',
        "<ruby>編<rp>(</rp><rt>あ</rt><rp>)</rp></ruby>",
        f'<p><a href="https://a.example/?x=1&amp;y=2" {_REL}>link</a></p>',
        f'<span class="h-card" translate="no"><a href="https://a.example/" class="u-url" {_REL}>x</a></span>',
        f'<a href="https://a.example/tags/x" class="mention hashtag" {_REL}>#<span>x</span></a>',
        '<span class="invisible">https://</span><span class="ellipsis">a.example</span>',
        '<p class="quote-inline">RE: x</p>',
        f'<a href="gemini://a.example/" {_REL}>g</a>',
    ],
)
def test_what_the_field_writes_is_kept(html: str) -> None:
    """Texts of well-meaning servers come through unchanged."""
    assert sanitise_html(html) == html


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<script>alert(1)</script>ok", "ok"),
        ("<style>*{}</style>ok", "ok"),
        ("<svg onload=alert(1)><a>x</a></svg>ok", "ok"),
        ("<math><mtext><style><img src onerror=alert(1)></style></mtext></math>ok", "ok"),
        ("<iframe src=https://evil.example></iframe>ok", "ok"),
        ("<object data=x><embed src=y></object>ok", "ok"),
        ('<p onclick="alert(1)" style="color:red" id="x">ok</p>', "<p>ok</p>"),
        ("<img src=x onerror=alert(1)>ok", "ok"),
        ("<h1>Title</h1>text", "<p><strong>Title</strong></p>text"),
        ('<h3 class="x">Title</h3>', "<p><strong>Title</strong></p>"),
        ("<div><p>ok</p></div>", "<p>ok</p>"),
        ("<table><tr><td>cell</td></tr></table>", "cell"),
        ("<p>unclosed", "<p>unclosed</p>"),
        ("a<!-- b -->c", "ac"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
        ('<p class="evil mention">x</p>', '<p class="">x</p>'),
        ("<form action=x><input name=y>ok</form>", "ok"),
        ('<a href="https://a.example" target="_blank" title="x" ping="y">z</a>',
         f'<a href="https://a.example" {_REL}>z</a>'),
    ],
)  # fmt: skip
def test_what_is_not_allowed_goes_and_its_text_stays(html: str, safe: str) -> None:
    """Unknown tags lose their markup, dangerous ones everything."""
    assert sanitise_html(html) == safe


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "java&#9;script:alert(1)",
        "&#106;avascript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "/local/path",
        "blob:https://x",
    ],
)
def test_link_that_runs_or_wanders_loses_its_target(href: str) -> None:
    """Only absolute links of harmless schemes stay links, however the others are spelt."""
    assert "href" not in sanitise_html(f'<a href="{href}">x</a>')


_PIECES = """
    < > <p> </p> <script> </script> <svg> <math> <style> </style> <a href= javascript: data: ' " <!-- --> />
    <img/src=x/onerror=alert(1)> <h1> </h2> <noscript> <textarea> <![CDATA[ ]]> &lt;script&gt; &#x3c; <li>
    <mtext> <table> <template> <title> <xmp> <plaintext> <br> onclick=1
"""
_HTML = st.lists(
    st.one_of(st.text(max_size=8), st.just(" "), st.sampled_from(_PIECES.split())), max_size=12
).map("".join)
_TAG = re.compile(r"<[^>]*>")


@settings(max_examples=300, deadline=None)
@given(_HTML)
def test_sanitised_html_is_harmless_and_stays_as_it_is(html: str) -> None:
    """Whatever comes in: no script, no handler, no script address; and a second pass changes nothing."""
    safe = sanitise_html(html)
    assert sanitise_html(safe) == safe
    for tag in _TAG.findall(safe):
        lowered = tag.lower()
        assert not re.match(r"<(script|style|svg|math|iframe|object|embed|img)\b", lowered)
        assert not re.search(r"\son\w+\s*=", lowered)
        assert not re.search(r"(javascript|data|vbscript):", lowered)


@pytest.mark.parametrize("tag", ["<ul>", "<div>", "<h1 ", "<b><i>", "<a>", "<blockquote>", "<table>"])
def test_text_of_endless_tags_is_cut_off(tag: str) -> None:
    """Nesting without end is cut before it is parsed, since parsing costs the square of the depth."""
    assert sanitise_html(tag * 100_000).count(tag) <= MAX_TAGS


def test_long_text_is_cut_off() -> None:
    """A text keeps its beginning."""
    assert len(sanitise_html("x" * 1_000_000)) == MAX_HTML_LENGTH


def test_plain_text_loses_control_and_overriding_characters_only() -> None:
    """Markup in a plain-text field is kept as text; NUL-likes and direction overrides go."""
    assert clean_text("<b>\x07x\u202e</b>\r\n y ", 100) == "<b>x</b>\r\n y"
    assert clean_line("a\n\n b\t c", 100) == "a b c"
    assert clean_line("x" * 50, 10) == "x" * 10


def test_html_becomes_plain_text() -> None:
    """Paragraphs and line breaks survive, entities are resolved."""
    html = "<p>a &amp; b<br>c</p><p>d &lt;e&gt;</p><ul><li>f</li><li>g</li></ul>"
    assert plain_text(html) == "a & b\nc\n\nd <e>\n\nf\ng"


def test_excerpt_is_cut_at_a_word() -> None:
    """A preview is one line of bearable length and says that there is more."""
    assert excerpt("<p>short</p><p>text</p>") == "short text"
    cut = excerpt("<p>" + "word " * 100 + "</p>", 40)
    assert len(cut) <= 40
    assert cut.endswith("word…")
    assert len(excerpt("x" * 500, 40)) == 40


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("#Jacquard", "jacquard"),
        ("\uff03\uff2coom", "loom"),
        ("ÉTÉ", "été"),
        ("編み物", "編み物"),
        ("İstanbul", "i̇stanbul"),
    ],
)
def test_tag_has_one_stored_form(written: str, stored: str) -> None:
    """Case, width and the hash do not make another tag."""
    assert normalise_tag(written) == stored


@pytest.mark.parametrize("name", ["loom", "2026a", "कपड़ा", "編み物", "été", "a_b"])
def test_tag_is_a_word_of_any_script(name: str) -> None:
    """Words in any script are tags."""
    assert is_tag(name)


@pytest.mark.parametrize("name", ["", "2026", "a b", "a-b", "a.b", "x" * 101])
def test_number_or_phrase_is_no_tag(name: str) -> None:
    """A number alone, several words and endless ones are no tags."""
    assert not is_tag(name)
