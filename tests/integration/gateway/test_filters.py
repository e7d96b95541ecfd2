"""Filters, with Mastodon.py: made, filled, what they mark on posts, and what is not even sent."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from mastodon import MastodonAPIError, MastodonNotFoundError

from shared.actions import filters as actions
from tests.integration.gateway.running import RunningGateway
from tests.integration.gateway.test_lists import follows
from tests.integration.gateway.test_streaming import applied, hears, socket


def marks(status: Any) -> list[tuple[str, Any, Any]]:
    """Return what a post says of the filters that match it."""
    return [(one.filter.title, one.keyword_matches, one.status_matches) for one in status.filtered]


def test_a_filter_from_its_making_to_its_end(site: RunningGateway) -> None:
    """A filter, its keywords and its posts are made, shown, changed and deleted."""
    follows(site, "sifter")
    sifter = site.client("sifter")
    words = [{"keyword": "loom", "whole_word": False}, {"keyword": "heddle"}]
    made = sifter.create_filter_v2("Weaving", ["home", "account"], "hide", 3600, words)
    left = made.expires_at - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert (made.title, made.context, made.filter_action) == ("Weaving", ["home", "account"], "hide")
    loom, heddle = made.keywords
    assert [(one.keyword, one.whole_word) for one in made.keywords] == [("loom", False), ("heddle", True)]
    changes = [{"id": loom.id, "_destroy": True}, {"id": heddle.id, "whole_word": False}, {"keyword": "weft"}]
    changed = sifter.update_filter_v2(
        made.id, title="Cloth", context=["public"], filter_action="blur", keywords_attributes=changes
    )
    assert (changed.title, changed.context, changed.filter_action) == ("Cloth", ["public"], "blur")
    assert [(one.keyword, one.whole_word) for one in changed.keywords] == [("heddle", False), ("weft", True)]
    added = sifter.add_filter_keyword_v2(made.id, "warp", whole_word=True)
    sifter.delete_filter_keyword_v2(heddle.id)
    assert [one.keyword for one in sifter.filter_keywords_v2(made.id)] == ["weft", "warp"]
    post = site.client("ada").status_post("anything")
    named = sifter.add_filter_status_v2(made.id, post.id)
    assert [str(one.status_id) for one in sifter.filter_statuses_v2(made.id)] == [str(post.id)]
    sifter.delete_filter_status_v2(named.id)
    assert sifter.filter_v2(made.id).statuses == []
    headers = site.headers("sifter")
    address = f"{site.origin}/api/v2/filters"
    renamed = requests.put(f"{address}/keywords/{added.id}", {"keyword": "sley"}, headers=headers, timeout=20)
    assert renamed.json() == {"id": str(added.id), "keyword": "sley", "whole_word": True}
    forever = requests.put(f"{address}/{made.id}", {"expires_in": ""}, headers=headers, timeout=20)
    assert forever.json()["expires_at"] is None
    sifter.delete_filter_v2(made.id)
    assert sifter.filters_v2() == []
    with pytest.raises(MastodonNotFoundError):
        sifter.filter_v2(made.id)


def test_the_old_version_shows_keywords_as_filters(site: RunningGateway) -> None:
    """A filter of version 1 is a keyword, changed and deleted by its id; with the last the filter goes."""
    follows(site, "elder")
    elder = site.client("elder")
    made = elder.filter_create("loom", ["home"], irreversible=True, whole_word=False, expires_in=60)
    assert (made.phrase, made.context, made.irreversible, made.whole_word) == ("loom", ["home"], True, False)
    changed = elder.filter_update(made.id, phrase="weft", whole_word=True, irreversible=False)
    assert (changed.phrase, changed.irreversible, changed.whole_word) == ("weft", False, True)
    assert elder.filter(made.id).phrase == "weft"
    whole = elder.filters_v2()[0]
    other = elder.add_filter_keyword_v2(whole.id, "warp")
    assert [one.phrase for one in elder.filters()] == ["weft", "warp"]
    with pytest.raises(MastodonAPIError, match="422"):
        elder.filter_update(made.id, irreversible=True)
    elder.filter_delete(made.id)
    assert [one.phrase for one in elder.filters()] == ["warp"]
    elder.filter_delete(other.id)
    assert elder.filters_v2() == []


def test_what_filters_refuse(site: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty and overlong texts, unknown contexts and actions, too much, and others' filters are refused."""
    follows(site, "strict", "nosy")
    strict, nosy = site.client("strict"), site.client("nosy")
    for title, context, action, word in (
        (" ", ["home"], "warn", "x"),
        ("t", [], "warn", "x"),
        ("t", ["kitchen"], "warn", "x"),
        ("t", ["home"], "burn", "x"),
        ("t", ["home"], "warn", " "),
        ("t", ["home"], "warn", "x" * 201),
    ):
        with pytest.raises(MastodonAPIError, match="422"):
            strict.create_filter_v2(title, context, action, keywords_attributes=[{"keyword": word}])
    assert strict.filters_v2() == []
    made = strict.create_filter_v2("mine", ["home"], "warn", keywords_attributes=[{"keyword": "x"}])
    monkeypatch.setattr(actions, "MOST_KEYWORDS", 1)
    with pytest.raises(MastodonAPIError, match="422"):
        strict.add_filter_keyword_v2(made.id, "y")
    monkeypatch.setattr(actions, "MOST_FILTERS", 1)
    with pytest.raises(MastodonAPIError, match="422"):
        strict.create_filter_v2("more", ["home"], "warn")
    secret = site.client("ada").status_post("for me", visibility="direct")
    with pytest.raises(MastodonNotFoundError):
        strict.add_filter_status_v2(made.id, secret.id)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: nosy.filter_v2(made.id),
        lambda: nosy.delete_filter_v2(made.id),
        lambda: nosy.update_filter_v2(made.id, title="theirs"),
        lambda: nosy.add_filter_keyword_v2(made.id, "z"),
        lambda: nosy.delete_filter_keyword_v2(made.keywords[0].id),
        lambda: nosy.filter_delete(made.keywords[0].id),
    )
    for attempt in attempts:
        with pytest.raises(MastodonNotFoundError):
            attempt()


def test_where_filters_mark_posts(site: RunningGateway) -> None:
    """Wherever a post or its boost is shown it says which filters match its text, warning, poll or itself."""
    people = follows(site, "marked", "writer")
    marked, writer = people["marked"], people["writer"]
    poll = writer.make_poll(["Weft", "none"], 3600)
    posts = [
        applied(site, lambda: writer.status_post("The L<i>oo</i>m & @marked the LOOM")),
        applied(site, lambda: writer.status_post("hidden", spoiler_text="about a loom")),
        applied(site, lambda: writer.status_post("choose", poll=poll)),
        applied(site, lambda: writer.status_post("named alone")),
        applied(site, lambda: writer.status_post("looms are not whole words")),
    ]
    boost = applied(site, lambda: writer.status_reblog(posts[0].id))
    words = [{"keyword": "loom"}, {"keyword": "weft"}]
    made = marked.create_filter_v2("Cloth", ["public"], "warn", keywords_attributes=words)
    marked.create_filter_v2("Empty", ["public"], "hide")
    marked.add_filter_status_v2(made.id, posts[3].id)
    wanted = {
        posts[0].id: [("Cloth", ["loom"], None)],
        posts[1].id: [("Cloth", ["loom"], None)],
        posts[2].id: [("Cloth", ["weft"], None)],
        posts[3].id: [("Cloth", None, [str(posts[3].id)])],
        posts[4].id: [],
        boost.id: [("Cloth", ["loom"], None)],
    }
    for shown in (marked.timeline_home(), marked.account_statuses(writer.me().id)):
        assert {one.id: marks(one) for one in shown} == wanted
        assert next(one for one in shown if one.id == boost.id).reblog.filtered[0].filter.id == made.id
    answer = applied(site, lambda: writer.status_post("more loom", in_reply_to_id=posts[0].id))
    assert [marks(one) for one in marked.status_context(posts[0].id).descendants] == [wanted[posts[0].id]]
    assert marks(marked.status(answer.id)) == wanted[posts[0].id]
    assert marks(marked.search_v2(posts[1].url, resolve=False).statuses[0]) == wanted[posts[1].id]
    assert [marks(one.status) for one in marked.notifications(types=["mention"])] == [wanted[posts[0].id]]
    assert [marks(one) for one in marked.grouped_notifications(types=["mention"]).statuses] == [
        wanted[posts[0].id]
    ]
    assert writer.status(posts[0].id).filtered == []
    site.execute("UPDATE filters SET expires_at = now() WHERE id = $1", int(made.id))
    assert all(one.filtered == [] for one in marked.timeline_home())


def test_what_is_irreversible_is_not_sent(site: RunningGateway) -> None:
    """What an irreversible filter matches is left out at home and of notifications, and shown elsewhere."""
    people = follows(site, "dropping", "talker")
    dropping, talker = people["dropping"], people["talker"]
    dropping.filter_create("loom", ["home", "notifications"], irreversible=True)
    loud = applied(site, lambda: talker.status_post("@dropping loom"))
    quiet = applied(site, lambda: talker.status_post("@dropping weft"))
    mine = applied(site, lambda: dropping.status_post("my loom"))
    assert [one.id for one in dropping.timeline_home()] == [mine.id, quiet.id]
    assert [one.status.id for one in dropping.notifications(types=["mention"])] == [quiet.id]
    groups = dropping.grouped_notifications(types=["mention"])
    assert [one.status_id for one in groups.notification_groups] == [quiet.id]
    assert loud.id in {one.id for one in dropping.account_statuses(talker.me().id)}

    async def listen() -> dict[str, Any]:
        async with socket(site, "dropping", "?stream=user") as opened:
            for text in ("@dropping loom again", "weft again"):
                await asyncio.to_thread(applied, site, lambda text=text: talker.status_post(text))
            heard: dict[str, Any] = json.loads((await hears(opened))["payload"])
            return heard

    assert "weft again" in asyncio.run(listen())["content"]


def test_streams_say_what_is_filtered(site: RunningGateway) -> None:
    """What is streamed is marked for those whose filters match, and for nobody else."""
    people = follows(site, "streamed", "source")
    people["streamed"].create_filter_v2("Cloth", ["home"], "warn", keywords_attributes=[{"keyword": "loom"}])

    async def listen() -> list[Any]:
        async with (
            socket(site, "streamed", "?stream=user") as one,
            socket(site, "source", "?stream=user") as other,
        ):
            await asyncio.to_thread(applied, site, lambda: people["source"].status_post("the loom"))
            return [json.loads((await hears(heard))["payload"])["filtered"] for heard in (one, other)]

    [mine], nobody = asyncio.run(listen())
    assert (mine["filter"]["title"], mine["keyword_matches"], nobody) == ("Cloth", ["loom"], [])


def test_what_one_reader_filters_is_not_told_to_another(site: RunningGateway) -> None:
    """A quoted post that is streamed to many is marked for whom the filter is of, and for nobody else."""
    people = follows(site, "private", "quoter")
    follows(site, "public_reader")
    reader, quoter = site.client("public_reader"), people["quoter"]
    applied(site, lambda: reader.account_follow(quoter.me().id))
    words = [{"keyword": "loom"}]
    people["private"].create_filter_v2("Secret", ["home"], "warn", keywords_attributes=words)
    quoted = applied(site, lambda: quoter.status_post("the loom"))

    async def listen() -> list[Any]:
        async with (
            socket(site, "private", "?stream=user") as one,
            socket(site, "public_reader", "?stream=user") as other,
        ):
            await asyncio.to_thread(
                applied, site, lambda: quoter.status_post("see", quoted_status_id=quoted.id)
            )
            return [json.loads((await hears(heard))["payload"])["quote"] for heard in (one, other)]

    mine, theirs = (one["quoted_status"].get("filtered", []) for one in asyncio.run(listen()))
    assert ([one["keyword_matches"] for one in mine], theirs) == ([["loom"]], [])


def test_readers_without_filters_pay_nothing(site: RunningGateway) -> None:
    """Nobody's filters are looked for where the reader has none, also when the last one is gone."""
    follows(site, "plain")
    plain = site.client("plain")
    made = plain.create_filter_v2("Cloth", ["home"], "warn")
    with site.counting_queries() as asked:
        plain.timeline_home()
    assert any("filters" in query for query in asked)
    plain.delete_filter_v2(made.id)
    with site.counting_queries() as asked:
        plain.timeline_home()
    assert asked
    assert not any("filters" in query for query in asked)
