"""Hashtags on a profile, as clients set them and servers read them."""

import pytest
import requests
from mastodon import MastodonAPIError

from shared.actions.featured_tags import MOST
from tests.integration.gateway.running import RunningGateway


def test_hashtags_are_shown_and_taken_off(site: RunningGateway) -> None:
    """What is featured is listed with its use, to the owner and to anybody, until it is taken off."""
    ada, grace = site.client("ada"), site.client("grace")
    ada.status_post("one #Jacquard #loom")
    ada.status_post("two #jacquard", visibility="unlisted")
    ada.status_post("three #jacquard", visibility="private")
    made = ada.featured_tag_create("#Jacquard")
    assert (made.name, made.statuses_count) == ("Jacquard", "2")
    assert made.last_status_at is not None
    assert [one.id for one in ada.featured_tags()] == [made.id]
    assert [one.name for one in grace.account_featured_tags(ada.me().id)] == ["Jacquard"]
    assert [one.name for one in ada.featured_tag_suggestions()] == ["loom"]
    assert grace.featured_tags() == []
    with pytest.raises(MastodonAPIError):
        grace.featured_tag_delete(made.id)
    ada.featured_tag_delete(made.id)
    assert ada.featured_tags() == []


@pytest.mark.parametrize("name", ["", "#", "two words", "123", "a" * 101, "x\u202ey"])
def test_what_is_no_hashtag_is_not_featured(site: RunningGateway, name: str) -> None:
    """A name that no hashtag has is refused in words."""
    answer = requests.post(
        f"{site.origin}/api/v1/featured_tags",
        data={"name": name},
        headers=site.headers("grace"),
        timeout=20,
    )
    assert (answer.status_code, answer.json()["error"]) == (422, "Validation failed: Name is invalid")


def test_there_is_an_end_to_featuring(site: RunningGateway) -> None:
    """The same hashtag twice, in whatever letters, and one too many are refused."""
    site.account("collector")
    collector = site.client("collector")
    for number in range(MOST):
        collector.featured_tag_create(f"tag{number}")
    with pytest.raises(MastodonAPIError, match="already been taken"):
        collector.featured_tag_create("TAG1")
    with pytest.raises(MastodonAPIError, match="maximum number"):
        collector.featured_tag_create("one_more")
    assert len(collector.featured_tags()) == MOST


def test_other_servers_read_what_is_featured(site: RunningGateway) -> None:
    """The actor's `featuredTags` lists Hashtags that lead to their pages."""
    site.account("weaver")
    weaver = site.client("weaver")
    weaver.featured_tag_create("Größe")
    headers = {"Accept": "application/activity+json"}
    actor = requests.get(weaver.me().uri, headers=headers, timeout=20).json()
    shown = requests.get(actor["featuredTags"], headers=headers, timeout=20).json()
    origin = site.gateway.site.uris.origin
    assert (shown["type"], shown["totalItems"]) == ("Collection", 1)
    assert shown["items"] == [{"type": "Hashtag", "href": f"{origin}/tags/gr%C3%B6%C3%9Fe", "name": "#Größe"}]
