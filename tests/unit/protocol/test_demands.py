"""What other servers insist on in the documents that we write."""

import json

import pytest

from shared.protocol import writer
from shared.protocol.activities import Block, EmojiReact, Flag, Follow, Like
from shared.protocol.identifiers import PUBLIC
from tests.unit.protocol.payloads import golden

ADA, LINUS = "https://loom.example/users/1", "https://mast.example/users/2"


@pytest.mark.parametrize("name", ["accept", "reject", "undo-follow"])
def test_threads_and_gotosocial_get_the_whole_follow(name: str) -> None:
    """Threads answers 500 to a Follow that is named by its id alone, GoToSocial does not take it."""
    follow = golden(name)["object"]
    assert set(follow) == {"id", "type", "actor", "object"}
    assert follow["type"] == "Follow"


@pytest.mark.parametrize("name", ["update-note", "note-rich"])
def test_mastodon_and_gotosocial_can_date_an_edit(name: str) -> None:
    """An edit keeps `published`, and its `updated` is later: else it is dropped."""
    note = golden(name).get("object", golden(name))
    assert note["published"] < note["updated"]


def test_takahe_gets_a_date_and_gotosocial_an_audience() -> None:
    """A post is dated, is for somebody, and names whom it mentions in a tag as well as in its audience."""
    post = golden("create")["object"]
    assert post["published"]
    assert post["to"]
    (mention,) = [tag for tag in post["tag"] if tag["type"] == "Mention"]
    assert mention["href"] in post["cc"]


def test_public_is_spelled_out() -> None:
    """Everybody is the full IRI, never `as:Public`, which is not everywhere understood."""
    for name in ("create", "announce", "update-actor"):
        assert PUBLIC in golden(name)["to"]


def test_alt_text_is_written_as_name() -> None:
    """GoToSocial writes `summary`; all of the field read `name`."""
    (picture,) = golden("note-rich")["attachment"]
    assert picture["name"] == "A loom"
    assert "summary" not in picture


@pytest.mark.parametrize("name", ["actor", "instance-actor"])
def test_mastodon_finds_one_key_as_one_object(name: str) -> None:
    """`publicKey` is a single RSA key with id, owner and PEM; Ed25519 stands in `assertionMethod`."""
    actor = golden(name)
    assert actor["publicKey"].keys() == {"id", "owner", "publicKeyPem"}
    assert actor["publicKey"]["owner"] == actor["id"]
    assert [key["type"] for key in actor["assertionMethod"]] == ["Multikey"]


def test_takahe_finds_the_actor_by_the_exact_type_of_its_link() -> None:
    """The self link is typed `application/activity+json` and nothing more."""
    links = [link for link in golden("webfinger")["links"] if link["rel"] == "self"]
    assert [(link["type"], link["href"]) for link in links] == [("application/activity+json", ADA)]


def test_takahe_finds_nodeinfo_by_its_exact_rel() -> None:
    """NodeInfo 2.0 is offered beside 2.1."""
    rels = [link["rel"] for link in golden("nodeinfo-links")["links"]]
    assert rels[:2] == [f"http://nodeinfo.diaspora.software/ns/schema/2.{minor}" for minor in (0, 1)]


def test_mastodon_wraps_the_quote_in_a_link_too() -> None:
    """Who does not understand the quote gets a `RE:` link; who does finds it under all names."""
    note = golden("note-rich")
    quoted = note["quote"]
    assert note["quoteUri"] == note["_misskey_quote"] == quoted
    assert f'RE: <a href="{quoted}">' in note["content"]
    assert quoted in [tag.get("href") for tag in note["tag"]]


def test_report_lists_account_and_posts() -> None:
    """A Flag has the account first and then the posts, in a list, and speaks for the site (Mastodon)."""
    flag = Flag(
        id="https://loom.example/activities/9",
        actor="https://loom.example/actor",
        objects=(LINUS, f"{LINUS}/5"),
        content="spam",
    )
    written = json.loads(writer.write_activity(flag))
    assert (written["actor"], written["object"]) == ("https://loom.example/actor", [LINUS, f"{LINUS}/5"])


@pytest.mark.parametrize(
    "activity",
    [
        Follow(id=f"{ADA}#1", actor=ADA, object=LINUS),
        Like(id=f"{ADA}#1", actor=ADA, object=LINUS),
        Block(id=f"{ADA}#1", actor=ADA, object=LINUS),
        EmojiReact(id=f"{ADA}#1", actor=ADA, object=LINUS, content="🎉"),
    ],
    ids=lambda activity: type(activity).__name__,
)
def test_small_activities_name_their_object_by_id(activity: Follow | Like | Block | EmojiReact) -> None:
    """What concerns one actor or post has a context and the bare id of that."""
    written = json.loads(writer.write_activity(activity))
    assert "@context" in written
    assert (written["type"], written["object"]) == (type(activity).__name__, LINUS)
