"""Notifications in groups, through the client API."""

from typing import Any

import pytest
import requests

from tests.integration.gateway.remote_rows import remote_actor
from tests.integration.gateway.running import RunningGateway
from tests.integration.gateway.test_notifications import tell


def ask(site: RunningGateway, name: str, path: str = "", method: str = "GET", **parameters: Any) -> Any:
    """Ask the second version of the API."""
    answer = requests.request(
        method,
        f"{site.origin}/api/v2/notifications{path}",
        params=parameters,
        headers=site.headers(name),
        timeout=10,
    )
    answer.raise_for_status()
    return answer.json()


@pytest.fixture
def popular(site: RunningGateway) -> tuple[str, str, list[int]]:
    """Return an account's name, its post that three like and one boosts, and the three."""
    name = f"popular{site.gateway.site.ids.next()}"
    site.account(name)
    fans = [remote_actor(site, fan, "fans.example") for fan in ("amy", "ben", "cid")]
    post = site.client(name).status_post("like me").id
    tell(site, name, "follow", fans[0])
    for fan in fans:
        tell(site, name, "favourite", fan, int(post))
    tell(site, name, "reblog", fans[1], int(post))
    return name, post, fans


def test_likes_of_a_post_stand_together(site: RunningGateway, popular: tuple[str, str, list[int]]) -> None:
    """Likes of one post are one group with their number and latest people; a follow stands alone."""
    name, post, fans = popular
    found = ask(site, name)
    boost, likes, follow = found["notification_groups"]
    assert (likes["type"], likes["notifications_count"], likes["status_id"]) == ("favourite", 3, post)
    assert likes["sample_account_ids"] == [str(fan) for fan in reversed(fans)]
    assert (boost["type"], boost["notifications_count"]) == ("reblog", 1)
    assert follow["group_key"] == f"ungrouped-{follow['most_recent_notification_id']}"
    assert "status_id" not in follow
    assert [status["id"] for status in found["statuses"]] == [post]
    assert {account["id"] for account in found["accounts"]} == {str(fan) for fan in fans}
    alone = ask(site, name, **{"grouped_types[]": "follow"})["notification_groups"]
    assert [one["notifications_count"] for one in alone] == [1] * 5
    single = site.client(name).notifications(types=["favourite"])
    assert {one.group_key for one in single} == {likes["group_key"]}


def test_a_group_is_on_one_page_only(site: RunningGateway, popular: tuple[str, str, list[int]]) -> None:
    """Page after page each group comes once, where its newest member is, however old the others are."""
    name, post, _ = popular
    late = remote_actor(site, "dan", "fans.example")
    tell(site, name, "favourite", late, int(post))
    seen = []
    bound: dict[str, str] = {}
    while groups := ask(site, name, limit="1", **bound)["notification_groups"]:
        [group] = groups
        seen.append((group["type"], group["notifications_count"]))
        bound = {"max_id": group["most_recent_notification_id"]}
    assert seen == [("favourite", 4), ("reblog", 1), ("follow", 1)]


def test_one_group_and_its_end(site: RunningGateway, popular: tuple[str, str, list[int]]) -> None:
    """A group can be asked for, its accounts listed, counted as one, and put away as a whole."""
    name, post, fans = popular
    key = f"favourite-{post}"
    assert ask(site, name, f"/{key}")["notification_groups"][0]["notifications_count"] == 3
    assert {one["id"] for one in ask(site, name, f"/{key}/accounts")} == {str(fan) for fan in fans}
    assert ask(site, name, "/unread_count") == {"count": 3}
    assert ask(site, name, f"/{key}/dismiss", method="POST") == {}
    assert [one["type"] for one in ask(site, name)["notification_groups"]] == ["reblog", "follow"]
    for gone in (key, "favourite-x", "ungrouped-1", "reblog-", "favourite-" + "9" * 30):
        with pytest.raises(requests.HTTPError, match="404"):
            ask(site, name, f"/{gone}")
