"""What is peculiar to each server, read as what it means."""

import json
from datetime import UTC, datetime

import pytest

from shared.protocol.activities import (
    Accept,
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
    Remove,
    Undo,
    Unknown,
    UpdateActor,
    UpdateNote,
)
from shared.protocol.addressing import visibility_of
from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import Emoji, Field, Mention, Note, Visibility
from shared.protocol.reader import read_activity, read_actor, read_note
from tests.builders import wire
from tests.payloads.captured import captured_requests
from tests.unit.protocol.payloads import payload

ADA, ADA_POST = "https://loom.example/users/1", "https://loom.example/objects/77"
_CAPTURED = {f"{c.server}/{c.name}": c.request.body for c in captured_requests()}


def _note(name: str) -> Note:
    activity = read_activity(_CAPTURED.get(name) or payload(name))
    assert isinstance(activity, Create | UpdateNote)
    return activity.note


@pytest.mark.parametrize(
    ("name", "visibility"),
    [
        ("mastodon/create-public", Visibility.PUBLIC),
        ("mastodon/create-unlisted", Visibility.UNLISTED),
        ("mastodon/create-followers-only", Visibility.FOLLOWERS),
        ("mastodon/create-direct", Visibility.DIRECT),
        ("gotosocial/03-create-public-mention-hashtag-cw-language", Visibility.PUBLIC),
        ("gotosocial/04-create-unlisted", Visibility.UNLISTED),
        ("gotosocial/05-create-followers-only", Visibility.FOLLOWERS),
        ("gotosocial/06-create-direct", Visibility.DIRECT),
        ("takahe/03-create-public-mention-hashtag-cw-language", Visibility.PUBLIC),
        ("takahe/04-create-unlisted", Visibility.UNLISTED),
        ("takahe/05-create-followers-only", Visibility.FOLLOWERS),
        ("takahe/06-create-direct", Visibility.DIRECT),
        ("threads/create-note", Visibility.PUBLIC),
        ("threads/create-mention", Visibility.PUBLIC),
        ("misskey/create-note", Visibility.PUBLIC),
        ("misskey/create-specified", Visibility.DIRECT),
    ],
)
def test_visibility_is_read_from_every_spelling(name: str, visibility: Visibility) -> None:
    """`as:Public`, `Public` and the full IRI, a string or a list: the audience is the same."""
    note = _note(name)
    followers = {"takahe": "followers/", "threads": "followers/"}.get(name.partition("/")[0], "/followers")
    assert visibility_of(note.to, note.cc, note.attributed_to + followers) is visibility


@pytest.mark.parametrize(
    ("addressed", "visibility"),
    [
        ({"audience": wire.PUBLIC}, Visibility.UNLISTED),
        ({"audience": ["as:Public"], "to": [f"{wire.EDITH}/followers"]}, Visibility.UNLISTED),
        ({"audience": "https://group.example/c/weaving", "to": [wire.PUBLIC]}, Visibility.PUBLIC),
        ({"audience": f"{wire.EDITH}/followers"}, Visibility.FOLLOWERS),
        ({"audience": wire.ADA}, Visibility.DIRECT),
    ],
)
def test_audience_addresses_as_cc_does(addressed: wire.Wire, visibility: Visibility) -> None:
    """Whom `audience` names a post is for as well, on the post itself or only on what brings it."""
    post = {name: value for name, value in wire.note().items() if name not in {"to", "cc"}}
    for bringing, brought in (({}, addressed), (addressed, {})):
        create = wire.activity("Create", wire.EDITH, object={**post, **brought}, **bringing)
        activity = read_activity(wire.encode(create))
        assert isinstance(activity, Create)
        note = activity.note
        assert visibility_of(note.to, note.cc, f"{wire.EDITH}/followers") is visibility
        if not brought:
            assert (activity.to, activity.cc) == (note.to, note.cc)


def test_mastodon_post_is_read_whole() -> None:
    """Text, language, mention, hashtag, emoji, thread and replies of a Mastodon post all arrive."""
    note = _note("mastodon/create-public")
    assert note.language == "en"
    assert note.mentions == (Mention(href=ADA, name="@ada@loom.example"),)
    assert note.hashtags == ("jacquard",)
    assert note.emojis == (
        Emoji(shortcode="loom", url="https://files.mastodon.example/custom_emojis/loom.png"),
    )
    assert note.url == "https://mastodon.example/@edith/113870000000000001"
    assert note.replies == f"{note.id}/replies"
    assert note.context.startswith("https://mastodon.example/contexts/")
    assert 'class="u-url mention"' in note.content
    assert "target=" not in note.content


def test_content_warning_comes_with_the_sensitive_mark() -> None:
    """A content warning is kept as plain text, the mark beside it."""
    note = _note("mastodon/create-content-warning")
    assert (note.summary, note.sensitive) == ("Spoilers for the play", True)


def test_media_keep_alt_text_focus_and_size() -> None:
    """An attachment keeps what people and clients need to show it."""
    photo, video = _note("mastodon/create-media").attachments
    assert photo.description == "A loom seen from the left,\nlate light"
    assert (photo.focus, photo.width, photo.height) == ((-0.35, 0.42), 1920, 1080)
    assert (video.media_type, video.description) == ("video/mp4", "")


def test_alt_text_is_read_from_name_and_from_summary() -> None:
    """GoToSocial's alt text in `summary` and Takahē's single attachment are both read."""
    for name in ("gotosocial/10-create-media-alt", "takahe/10-create-media-alt"):
        (image,) = _note(name).attachments
        assert image.description == "A small picture: dots on white"


def test_poll_and_vote_are_told_apart() -> None:
    """A Question has options; a vote names one of them and is no post."""
    poll = _note("mastodon/create-poll").poll
    assert poll is not None
    assert [(option.name, option.votes) for option in poll.options] == [("warp", 2), ("weft", 1)]
    assert (poll.voters, poll.multiple) == (3, False)
    assert poll.ends_at == datetime(2026, 9, 15, 10, 21, 34, tzinfo=UTC)
    multiple = _note("misskey/create-poll").poll
    assert multiple is not None
    assert multiple.multiple
    for name in ("mastodon/create-vote", "gotosocial/14-create-vote", "takahe/12-create-vote"):
        assert _note(name).is_vote
    assert not _note("mastodon/create-reply").is_vote


@pytest.mark.parametrize("name", ["mastodon/create-quote", "misskey/create-quote", "threads/create-quote"])
def test_quote_is_found_under_every_name(name: str) -> None:
    """FEP-044f, Misskey's, Fedibird's and FEP-e232's way to quote lead to the same post."""
    assert _note(name).quote == ADA_POST


@pytest.mark.parametrize(
    ("unasked", "asked"), [("automaticApproval", "manualApproval"), ("always", "approvalRequired")]
)
def test_policy_of_quotes_is_read(unasked: str, asked: str) -> None:
    """Who may quote is read under the names of FEP-044f and the older ones, be it one or many."""
    followers = f"{wire.EDITH}/followers"
    said = {"canQuote": {unasked: "as:Public", asked: [followers, 7, {"id": wire.EDITH}]}}
    note = read_note(wire.encode(wire.note(interactionPolicy=said)))
    assert (note.may_quote, note.may_ask) == ((PUBLIC,), (followers, wire.EDITH))


@pytest.mark.parametrize("said", [None, "all", {}, {"canQuote": None}, {"canReply": {"always": PUBLIC}}])
def test_silence_on_quotes_is_no_policy(said: object) -> None:
    """Where nothing is said of quotes nothing is known, which is not the same as nobody."""
    note = read_note(wire.encode(wire.note(interactionPolicy=said)))
    assert note.may_quote is None
    closed = read_note(wire.encode(wire.note(interactionPolicy={"canQuote": {"automaticApproval": []}})))
    assert closed.may_quote == ()


def test_edit_keeps_published_and_says_when() -> None:
    """An Update has both dates, so that edits can be put in order."""
    for name in ("mastodon/update-note", "gotosocial/15-update-edit", "takahe/13-update-edit"):
        note = _note(name)
        assert note.published is not None
        assert note.updated is not None
        assert note.updated > note.published


def test_first_version_dated_updated_is_no_edit() -> None:
    """PeerTube writes `updated` into a new comment: that does not make it edited."""
    assert _note("peertube/create-comment").updated is None


def test_threads_shapes_are_understood() -> None:
    """A list of Links without the app's own scheme, `+0000` and an `inReplyTo` object."""
    note = _note("threads/create-mention")
    assert note.url == "https://www.threads.net/@grace.h/post/DAbCdEf"
    assert note.published == datetime(2026, 9, 14, 10, 21, 34, tzinfo=UTC)
    assert note.in_reply_to == ADA_POST
    assert note.to == (PUBLIC,)
    assert read_actor(payload("threads/actor-grace")).shared_inbox == "https://threads.net/ap/inbox/"


def test_misskey_reaction_keeps_its_emoji() -> None:
    """A Like with content is a reaction."""
    reaction = read_activity(payload("misskey/react-custom"))
    assert getattr(reaction, "content", "") == ":blobcat:"


def test_group_announces_lead_to_the_post() -> None:
    """A wrapped Create, an embedded post and a bare id all mean: this post was shared by the group."""
    for name in ("announce-create-page", "announce-page", "announce-page-id"):
        announce = read_activity(payload(f"lemmy/{name}"))
        assert isinstance(announce, Announce)
        assert announce.object == "https://lemmy.example/post/42"
        assert announce.actor == "https://lemmy.example/c/weaving"


def test_other_wrapped_activities_are_let_go() -> None:
    """A Like or Delete inside an Announce is named, and not mistaken for a boost."""
    wrapped = read_activity(payload("lemmy/announce-like"))
    assert isinstance(wrapped, Unknown)
    assert wrapped.wire_type == "Announce(Like)"


def test_page_is_readable_alone() -> None:
    """A titled post shows its title, text and link, headings as bold paragraphs."""
    note = _note("lemmy/create-page")
    assert note.name == "A loom from 1804 & its cards"
    assert note.content.startswith("<p><strong>A loom from 1804 &amp; its cards</strong></p>")
    assert "<p><strong>Condition</strong></p>" in note.content
    assert 'href="https://museum.example/loom?a=1&amp;b=2"' in note.content
    assert note.language == "en"
    assert note.attachments[0].url == "https://lemmy.example/pictrs/image/loom.webp"


def test_video_is_readable_alone() -> None:
    """Markdown becomes HTML, HTML in it stays text, the largest preview is shown, the page is linked."""
    note = _note("peertube/create-video")
    assert "<strong>looms</strong>" in note.content
    assert "<script" not in note.content
    assert "How a &lt;loom&gt; works" in note.content
    assert note.attachments[0].url == "https://peertube.example/lazy-static/previews/p.jpg"
    assert note.url == "https://peertube.example/videos/watch/60c4bea4-6bb2-4fce-8d9f-8a522575419d"
    assert note.attributed_to == "https://peertube.example/accounts/rosa"


@pytest.mark.parametrize("content", ["<pre><ul>" * 5000, "<a href='https://evil.example/'>", "x" * 200_000])
def test_link_of_a_titled_post_survives_its_text(content: str) -> None:
    """However long, deep or open the text is, title and link stand apart from it."""
    page = wire.note(type="Article", name="Title", content=content, url="https://remote.example/page")
    note = read_note(wire.encode(page))
    assert note.content.startswith("<p><strong>Title</strong></p>")
    assert note.content.endswith(
        '<p><a href="https://remote.example/page" rel="nofollow noopener noreferrer">'
        "https://remote.example/page</a></p>"
    )


def test_abstract_stands_in_for_a_missing_text() -> None:
    """An Article without content shows its summary; a sensitive one keeps it as the warning."""
    article = wire.note(type="Article", name="Title", content="", summary="In short", url=None)
    page = str(article["id"])
    link = f'<p><a href="{page}" rel="nofollow noopener noreferrer">{page}</a></p>'
    title = "<p><strong>Title</strong></p>"
    assert read_note(wire.encode(article)).content == f"{title}<p>In short</p>{link}"
    hidden = read_note(wire.encode({**article, "sensitive": True}))
    assert (hidden.summary, hidden.content) == ("In short", f"{title}{link}")


def test_markdown_beyond_reason_stays_as_written() -> None:
    """Markdown that would cost too much to render is shown as plain text."""
    note = read_note(wire.encode(wire.note(content="**a** " + "![" * 5000, mediaType="text/markdown")))
    assert note.content.startswith("<p>**a** ![![")


def test_pictures_with_and_without_description_arrive() -> None:
    """Pixelfed's pictures keep their order and their alt text."""
    first, second = _note("pixelfed/create-images").attachments
    assert first.description == "Light falling on a warp beam"
    assert second.description == ""


def test_answer_is_read_with_and_without_its_follow() -> None:
    """An Accept names the Follow by id, and both ends where it is embedded."""
    whole = read_activity(payload("mastodon/accept-follow"))
    bare = read_activity(payload("mastodon/accept-follow-bare"))
    assert isinstance(whole, Accept)
    assert isinstance(bare, Accept)
    assert (whole.follower, whole.followee) == (ADA, "https://mastodon.example/users/edith")
    assert whole.follow_id == bare.follow_id == "https://loom.example/activities/501"
    assert (bare.follower, bare.followee) == ("", "")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mastodon/undo-follow", "Follow"),
        ("mastodon/undo-like", "Like"),
        ("mastodon/undo-announce", "Announce"),
        ("mastodon/undo-block", "Block"),
        ("misskey/undo-renote", "Announce"),
        ("takahe/17-undo-announce", "Announce"),
        ("takahe/32-undo-block", "Block"),
        ("gotosocial/17-undo-like", "Like"),
    ],
)
def test_undo_says_what_it_takes_back(name: str, kind: str) -> None:
    """An Undo has the id, the type and the object of what is undone."""
    undo = read_activity(_CAPTURED.get(name) or payload(name))
    assert isinstance(undo, Undo)
    assert undo.undone_type == kind
    assert undo.undone_id
    assert undo.object


@pytest.mark.parametrize("name", ["mastodon/delete-note", "takahe/23-delete", "gotosocial/22-delete"])
def test_delete_is_read_from_tombstone_note_and_id(name: str) -> None:
    """A Tombstone, a whole Note and a bare id name what is to be deleted."""
    delete = read_activity(_CAPTURED.get(name) or payload(name))
    assert isinstance(delete, Delete)
    assert delete.object.startswith("https://")
    assert delete.object != delete.actor


def test_account_deletes_itself_by_its_own_id() -> None:
    """A Delete of the actor is told from the Delete of a post."""
    delete = read_activity(payload("mastodon/delete-actor"))
    assert isinstance(delete, Delete)
    assert delete.object == delete.actor


def test_report_and_move_are_read() -> None:
    """A Flag lists actor and posts; a Move names both ends."""
    flag, move = read_activity(payload("mastodon/flag")), read_activity(payload("mastodon/move"))
    assert isinstance(flag, Flag)
    assert flag.objects == (ADA, ADA_POST)
    assert isinstance(move, Move)
    assert (move.object, move.target) == (move.actor, "https://elsewhere.example/users/edith")


def test_mastodon_profile_is_read_whole() -> None:
    """Names, pictures, fields, aliases and switches of a profile arrive."""
    edith = read_actor(payload("mastodon/actor-edith"))
    assert (edith.username, edith.acct_domain) == ("edith", "mastodon.example")
    assert edith.fields[1] == Field(name="Pronouns", value="she/her")
    assert edith.also_known_as == ("https://old.example/users/edith",)
    assert edith.attribution_domains == ("edith.example",)
    assert (edith.discoverable, edith.indexable, edith.locked) == (True, True, False)
    assert edith.icon.endswith("edith.png")
    assert edith.image.endswith("edith.jpg")
    assert edith.featured_tags.endswith("/collections/tags")


def test_takahe_spells_discoverable_with_its_prefix() -> None:
    """`toot:discoverable` counts like `discoverable`."""
    update = read_activity(_CAPTURED["takahe/24-update-profile"])
    assert isinstance(update, UpdateActor)
    assert update.profile.discoverable


@pytest.mark.parametrize("place", ["generator", "itself"])
def test_ed25519_is_taken_where_it_is_said_to_be(place: str) -> None:
    """A server says on its actors, or on itself, that it checks signatures by Ed25519 keys (FEP-844e)."""
    rfc9421 = "https://datatracker.ietf.org/doc/html/rfc9421"
    said: list[object] = [{"href": rfc9421}, 7, {"href": f"{rfc9421}#name-eddsa-using-curve-edwards25"}]
    application: dict[str, object] = {"type": "Application", "implements": said}
    actor: dict[str, object] = {
        "id": "https://a.example/1",
        "type": "Person",
        "preferredUsername": "a",
        "inbox": "https://a.example/1/inbox",
    }
    told = actor | ({"generator": application} if place == "generator" else application)
    assert read_actor(json.dumps(told).encode()).takes_ed25519
    del said[2]
    assert not read_actor(json.dumps(told).encode()).takes_ed25519
    assert not read_actor(json.dumps(actor | {"generator": "https://a.example"}).encode()).takes_ed25519


@pytest.mark.parametrize("name", ["takahe/20-add-pin", "takahe/21-remove-pin"])
def test_takahe_pins_without_an_id(name: str) -> None:
    """An Add or Remove that Takahē sends has no id at all, and says what is pinned where."""
    pin = read_activity(_CAPTURED[name])
    assert isinstance(pin, Add | Remove)
    assert "id" not in json.loads(_CAPTURED[name])
    assert pin.object.startswith(pin.actor)
    assert pin.target.startswith(pin.actor)


def test_takahe_uses_one_id_for_every_change_of_a_profile() -> None:
    """Two changes of a profile come under one id, which nothing may therefore take for one change."""
    names = ("takahe/24-update-profile", "takahe/25-update-locked")
    first, second = (read_activity(_CAPTURED[name]) for name in names)
    assert isinstance(first, UpdateActor)
    assert isinstance(second, UpdateActor)
    assert first.id == second.id == f"{first.actor}#update"


def test_gotosocial_leaves_the_list_out_around_one() -> None:
    """One recipient or tag, bare, is read like a list of one."""
    sent = json.loads(_CAPTURED["gotosocial/06-create-direct"])["object"]
    assert isinstance(sent["to"], str)
    assert isinstance(sent["tag"], dict)
    note = _note("gotosocial/06-create-direct")
    assert note.to == (sent["to"],)
    assert [mention.href for mention in note.mentions] == [sent["tag"]["href"]]


@pytest.mark.parametrize("name", ["gotosocial/02-follow", "gotosocial/16-like", "gotosocial/33-block"])
def test_gotosocial_sends_to_the_own_inbox(name: str) -> None:
    """What is for one person arrives at that person's inbox, addressed to nobody else."""
    (capture,) = [one for one in captured_requests() if f"{one.server}/{one.name}" == name]
    assert capture.request.target == "/users/u/inbox"
    assert isinstance(read_activity(capture.request.body), Follow | Like | Block)


def test_report_of_an_account_comes_from_its_server() -> None:
    """GoToSocial's Flag is by the instance actor and lists the account first, then the posts."""
    flag = read_activity(_CAPTURED["gotosocial/31-flag"])
    assert isinstance(flag, Flag)
    assert flag.actor == "https://gts.test/users/gts.test"
    account, post = flag.objects
    assert post.startswith(f"{account}/n/")


def test_misskey_post_is_read_as_rendered() -> None:
    """The HTML counts, not the MFM beside it, and its custom emoji are known."""
    note = _note("misskey/create-note")
    assert "$[tada" not in note.content
    assert "<b>loom</b>" in note.content
    assert [emoji.shortcode for emoji in note.emojis] == ["blobcat"]


@pytest.mark.parametrize("name", ["misskey/emoji-react", "misskey/react-unicode"])
def test_reactions_of_both_kinds_are_one(name: str) -> None:
    """EmojiReact and Like with content are both a reaction with that emoji."""
    reaction = read_activity(payload(name))
    assert isinstance(reaction, EmojiReact)
    assert reaction.content in {"⭐", "🎉"}


def test_stripped_actor_can_still_be_checked_and_reached() -> None:
    """What Misskey leaves of an actor for a signature that it dislikes has key and inbox, and no name."""
    whole, stripped = (read_actor(payload(f"misskey/actor-{name}")) for name in ("yui", "stripped"))
    assert (stripped.id, stripped.inbox, stripped.keys) == (whole.id, whole.inbox, whole.keys)
    assert stripped.username == "yui"
    assert (stripped.name, stripped.summary, stripped.icon) == ("", "", "")


def test_group_announces_several_at_once_without_harm() -> None:
    """Several activities in one Announce (FEP-1a11) are read or named, and never an error."""
    one = json.loads(payload("lemmy/announce-create-page"))
    several = {**one, "object": [one["object"], json.loads(payload("lemmy/announce-like"))["object"]]}
    announce = read_activity(json.dumps(several).encode())
    assert isinstance(announce, Announce | Unknown)
    assert announce.actor == one["actor"]
