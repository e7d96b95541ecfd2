"""What the site says of itself, and what clients ask for at their start."""

import pytest
import requests

from tests.integration.gateway.running import RunningGateway


def test_the_instance_describes_itself(site: RunningGateway) -> None:
    """Both versions of the instance name the domain, the version and the limits that hold."""
    visitor = site.visitor()
    one, two = visitor.instance_v1(), visitor.instance_v2()
    domain = site.gateway.site.uris.account_domain
    assert (one.uri, two.domain) == (domain, domain)
    assert two.configuration.statuses.max_characters == one.configuration.statuses.max_characters == 5000
    assert one.stats.user_count >= 3
    assert visitor.retrieve_mastodon_version().startswith("4.")
    assert visitor.instance_health()


@pytest.mark.parametrize(
    "ask",
    [
        "custom_emojis",
        "announcements",
        "lists",
        "filters",
        "filters_v2",
        "conversations",
        "trending_tags",
        "trending_statuses",
        "trending_links",
        "suggestions",
        "featured_tags",
        "followed_tags",
        "instance_rules",
        "instance_peers",
        "instance_activity",
        "instance_domain_blocks",
        "domain_blocks",
        "endorsements",
        "scheduled_statuses",
    ],
)
def test_what_clients_ask_for_is_answered(site: RunningGateway, ask: str) -> None:
    """Lists that a client loads at its start are there, if empty."""
    assert isinstance(getattr(site.client("ada"), ask)(), list)


def test_browsers_of_any_origin_may_use_the_api(site: RunningGateway) -> None:
    """Preflights are answered and every API answer, errors too, may be read by any origin; the page not."""
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    preflight = requests.options(f"{site.origin}/api/v1/statuses", headers=asked, timeout=20)
    assert preflight.status_code == 204
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    for path in ("/api/v1/instance", "/api/v1/nothing"):
        answer = requests.get(f"{site.origin}{path}", headers=asked, timeout=20)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Link" in answer.headers["Access-Control-Expose-Headers"]
    page = requests.get(f"{site.origin}/oauth/authorize", headers=asked, timeout=20)
    assert "Access-Control-Allow-Origin" not in page.headers
