"""What this site writes, this site reads: nothing is lost on the way."""

import html
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.protocol.activities import (
    Accept,
    AcceptQuote,
    Activity,
    Add,
    Announce,
    Block,
    Create,
    Delete,
    EmojiReact,
    Flag,
    Follow,
    Like,
    Move,
    QuoteRequest,
    Reject,
    RejectQuote,
    Remove,
    Undo,
    UpdateActor,
    UpdateNote,
)
from shared.protocol.objects import (
    ActorKind,
    ActorProfile,
    Attachment,
    Emoji,
    Field,
    Mention,
    Note,
    Poll,
    PollOption,
)
from shared.protocol.reader import read_activity, read_actor, read_note
from shared.protocol.text import clean_line, clean_text, sanitise_html
from shared.protocol.text.hashtags import is_tag, normalise_tag
from shared.protocol.writer import write_activity, write_actor, write_note

_URIS = st.integers(1, 99).map("https://remote.example/things/{}".format)
_ACTOR = "https://loom.example/users/1"
_LINES = st.text(max_size=30).map(lambda text: clean_line(text, 30))
_TEXTS = st.text(max_size=30).map(lambda text: clean_text(text, 30))
_HTML = st.text(max_size=30).map(lambda text: sanitise_html(f"<p>{text}</p>"))
_MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1)).map(  # noqa: DTZ001 - the zone is set below
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
_UNIQUE_URIS = st.lists(_URIS, unique=True, max_size=3).map(tuple)
_TAGS = st.lists(st.text(min_size=1, max_size=10).filter(is_tag), unique_by=normalise_tag, max_size=3).map(
    tuple
)
_EMOJIS = st.lists(
    st.builds(Emoji, shortcode=st.from_regex(r"\A[a-z_]{2,8}\Z"), url=_URIS),
    unique_by=lambda emoji: emoji.shortcode,
    max_size=3,
).map(tuple)
_ATTACHMENTS = st.lists(
    st.builds(
        Attachment,
        url=_URIS,
        media_type=st.sampled_from(["image/png", "video/mp4", "audio/ogg", "application/pdf"]),
        description=_TEXTS,
        width=st.none() | st.integers(0, 9999),
        height=st.none() | st.integers(0, 9999),
        focus=st.none() | st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    ),
    max_size=3,
).map(tuple)
_POLLS = st.builds(
    Poll,
    options=st.lists(
        st.builds(PollOption, name=_LINES, votes=st.integers(0, 99)), min_size=1, max_size=4
    ).map(tuple),
    multiple=st.booleans(),
    ends_at=st.none() | _MOMENTS,
    closed_at=st.none() | _MOMENTS,
    voters=st.none() | st.integers(0, 99),
)


@st.composite
def _notes(draw: st.DrawFn) -> Note:
    poll = draw(st.none() | _POLLS)
    published, updated = sorted(draw(st.lists(_MOMENTS, min_size=2, max_size=2, unique=True)))
    mentions = draw(_UNIQUE_URIS)
    return Note(
        id=draw(_URIS),
        type="Question" if poll else "Note",
        attributed_to=_ACTOR,
        content=draw(_HTML),
        summary=draw(_LINES),
        language=draw(st.sampled_from([None, "de", "pt-BR", "zh-Hant-TW"])),
        published=published,
        updated=draw(st.sampled_from([None, updated])),
        url=draw(_URIS),
        in_reply_to=draw(st.none() | _URIS),
        quote=draw(st.none() | _URIS),
        quote_authorization=draw(st.just("") | _URIS),
        sensitive=draw(st.booleans()),
        to=draw(_UNIQUE_URIS),
        cc=draw(_UNIQUE_URIS),
        mentions=tuple(Mention(href=href, name=draw(_LINES)) for href in mentions),
        hashtags=draw(_TAGS),
        emojis=draw(_EMOJIS),
        attachments=draw(_ATTACHMENTS),
        poll=poll,
        context=draw(st.just("") | _URIS),
        replies=draw(st.just("") | _URIS),
    )


_PROFILES = st.builds(
    ActorProfile,
    id=st.just(_ACTOR),
    kind=st.sampled_from(ActorKind),
    username=st.from_regex(r"\A[a-z_]{1,20}\Z"),
    inbox=_URIS,
    acct_domain=st.sampled_from(["", "loom.example", "loom.localhost:8080"]),
    name=_LINES,
    summary=_HTML,
    url=st.just("") | _URIS,
    shared_inbox=st.just("") | _URIS,
    outbox=_URIS,
    followers=_URIS,
    following=_URIS,
    featured=_URIS,
    featured_tags=_URIS,
    icon=st.just("") | _URIS,
    image=st.just("") | _URIS,
    fields=st.lists(
        st.builds(Field, name=_LINES.filter(bool), value=_HTML), max_size=3
    ).map(tuple),
    emojis=_EMOJIS,
    also_known_as=_UNIQUE_URIS,
    moved_to=st.none() | _URIS,
    locked=st.booleans(),
    discoverable=st.booleans(),
    indexable=st.booleans(),
    suspended=st.booleans(),
    published=st.none() | _MOMENTS,
    keys=st.just(()),
    takes_ed25519=st.just(True),  # which is what we say of ourselves
    attribution_domains=st.sampled_from([(), ("ada.example",)]),
)  # fmt: skip

_IDS = st.integers(1, 9999).map("https://loom.example/activities/{}".format)
_FRAME = {
    "id": _IDS,
    "actor": st.just(_ACTOR),
    "to": _UNIQUE_URIS,
    "cc": _UNIQUE_URIS,
    "published": st.none() | _MOMENTS,
}
_ENDS = {"follow_id": _URIS, "follower": _URIS, "followee": _URIS}
_ASKED = {"request_id": _URIS, "requester": _URIS, "object": _URIS, "quoting": _URIS}
_UNDONE = {
    "undone_id": _URIS,
    "undone_type": st.sampled_from(["Follow", "Like", "Announce"]),
    "object": _URIS,
}
_ACTIVITIES: st.SearchStrategy[Activity] = st.one_of(
    st.builds(Create, **_FRAME, note=_notes()),
    st.builds(UpdateNote, **_FRAME, note=_notes()),
    st.builds(UpdateActor, **_FRAME, profile=_PROFILES),
    st.builds(Follow, **_FRAME, object=_URIS),
    st.builds(Accept, **_FRAME, **_ENDS),
    st.builds(Reject, **_FRAME, **_ENDS),
    st.builds(QuoteRequest, **_FRAME, object=_URIS, quoting=_URIS),
    st.builds(AcceptQuote, **_FRAME, **_ASKED, stamp=_URIS),
    st.builds(RejectQuote, **_FRAME, **_ASKED),
    st.builds(Undo, **_FRAME, **_UNDONE),
    st.builds(Undo, **_FRAME, undone_id=_URIS),
    st.builds(Delete, **_FRAME, object=_URIS | st.just(_ACTOR)),
    st.builds(Like, **_FRAME, object=_URIS),
    st.builds(EmojiReact, **_FRAME, object=_URIS, content=_LINES.filter(bool)),
    st.builds(Announce, **_FRAME, object=_URIS),
    st.builds(Block, **_FRAME, object=_URIS),
    st.builds(Flag, **_FRAME, objects=_UNIQUE_URIS.filter(bool), content=_TEXTS),
    st.builds(Add, **_FRAME, object=_URIS, target=_URIS),
    st.builds(Remove, **_FRAME, object=_URIS, target=_URIS),
    st.builds(Move, **_FRAME, object=_URIS, target=_URIS),
)


def _as_others_read(note: Note) -> Note:
    if note.quote is None:
        return note
    link = html.escape(note.quote)
    rel = "nofollow noopener noreferrer"
    link = f'<p class="quote-inline">RE: <a href="{link}" rel="{rel}">{link}</a></p>'
    return replace(note, content=link + note.content, quote_consent=True)


@settings(deadline=None)
@given(_notes())
def test_post_comes_back_as_it_went(note: Note) -> None:
    """A post that was written and read is the same post, its quote now a link in the text, too."""
    assert read_note(write_note(note)) == _as_others_read(note)


@settings(deadline=None)
@given(_PROFILES)
def test_profile_comes_back_as_it_went(profile: ActorProfile) -> None:
    """A profile that was written and read is the same profile."""
    assert read_actor(write_actor(profile)) == profile


@settings(deadline=None, max_examples=300)
@given(_ACTIVITIES)
def test_activity_comes_back_as_it_went(activity: Activity) -> None:
    """An activity of any type that was written and read is the same activity."""
    expected = activity
    if isinstance(activity, Create | UpdateNote):
        expected = replace(activity, note=_as_others_read(activity.note))
    assert read_activity(write_activity(activity)) == expected
