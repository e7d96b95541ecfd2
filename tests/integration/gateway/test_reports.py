"""Reports through the client API."""

import pytest
import requests
from mastodon import MastodonNotFoundError

from shared.protocol.activities import Flag
from shared.protocol.reader import read_activity
from shared.queue.topology import FANOUT_PLAN
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway


def test_forwarded_report_comes_from_the_site(site: RunningGateway) -> None:
    """A forwarded report goes to the person's server in the site's name: who reports stays unsaid."""
    edith = remote_actor(site, "edith", "reports.example")
    post = remote_post(site, edith, "buy this")
    ada = site.client("ada")
    with site.outbox() as sent:
        made = ada.report(edith, status_ids=[post], comment="spam", forward=True)
    assert (made.forwarded, made.comment, made.action_taken) == (True, "spam", False)
    assert made.target_account.acct == "edith@reports.example"
    (message,) = sent
    flag = read_activity(message.item.body)
    assert message.queue == FANOUT_PLAN
    assert isinstance(flag, Flag)
    assert flag.actor == f"{site.origin}/actor"
    assert flag.objects == (
        "https://reports.example/users/edith",
        site.value("SELECT uri FROM statuses WHERE id = $1", post),
    )
    assert ada.me().uri.encode() not in message.item.body


def test_report_is_kept_and_not_sent_unasked(site: RunningGateway) -> None:
    """Without `forward`, and about people here, a report stays on this site."""
    edith = remote_actor(site, "quiet", "reports.example")
    grace = site.client("grace").me().id
    with site.outbox() as sent:
        one = site.client("ada").report(edith, comment="rude")
        other = site.client("ada").report(grace, comment="rude, too", forward=True)
    assert sent == []
    assert not one.forwarded
    assert not other.forwarded
    assert site.value("SELECT count(*) FROM reports WHERE id = ANY($1)", [int(one.id), int(other.id)]) == 2


def test_only_what_is_theirs_can_be_reported(site: RunningGateway) -> None:
    """A post of somebody else, or one that the reporter cannot see, is not found."""
    grace = site.client("grace")
    secret = grace.status_post("psst", visibility="direct")
    own = site.client("ada").status_post("mine")
    for post in (secret, own):
        with pytest.raises(MastodonNotFoundError):
            site.client("ada").report(grace.me().id, status_ids=[post.id])
    assert (
        site.value("SELECT count(*) FROM reports WHERE target_id = $1 AND comment = ''", grace.me().id) == 0
    )


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"account_id": "x"},
        {"account_id": "1", "category": "boredom"},
        {"account_id": "1", "comment": "x" * 1001},
        {"account_id": "1", "category": "violation", "rule_ids[]": "1"},
    ],
)
def test_senseless_reports_are_refused(site: RunningGateway, form: dict[str, str]) -> None:
    """What is missing or too long is named with 422."""
    url = f"{site.origin}/api/v1/reports"
    answer = requests.post(url, data=form, headers=site.headers("ada"), timeout=10)
    assert answer.status_code == 422
