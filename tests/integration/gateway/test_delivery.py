"""What authors see of where their posts went."""

from datetime import UTC, datetime
from typing import Any

import requests

from shared.database import deliveries, delivery_plans, hosts
from shared.database.deliveries import Progress, State
from shared.database.delivery_plans import Planned, SentActivity
from shared.database.hosts import Host, Trouble
from shared.database.pool import Connection
from shared.protocol.identifiers import host_of
from tests.integration.gateway.running import RunningGateway

STATES = {
    "https://fir.example/inbox": State.PARKED,
    "https://oak.example/inbox": State.DELIVERED,
    "https://elm.example/inbox": State.DEAD,
    "https://yew.example/inbox": State.SUPERSEDED,
    "https://ash.example/inbox": State.QUEUED,
}


def _plan(site: RunningGateway, uri: str, kind: str, subject: str) -> None:
    now, actor_id = datetime.now(UTC), site.author("ada").id

    async def write(conn: Connection) -> None:
        sent = SentActivity(
            uri=uri, type=kind, actor_id=actor_id, subject=subject, body=b"{}", trace="", created_at=now
        )
        await delivery_plans.insert_activities(conn, [sent])
        rows = [
            Planned(activity_uri=uri, inbox=inbox, host=host_of(inbox), shared=True, created_at=now)
            for inbox in STATES
        ]
        await delivery_plans.insert_planned(conn, rows)
        progress = [
            Progress(activity_uri=uri, inbox=inbox, state=state, status=202 if state == 1 else 503)
            for inbox, state in STATES.items()
            if state
        ]
        await deliveries.record(conn, progress)
        await delivery_plans.mark_planned(conn, [uri])

    site.db(write)


def _get(site: RunningGateway, path: str, name: str = "ada", **params: str) -> Any:
    response = requests.get(
        f"{site.origin}/api/heddle/v1/{path}", headers=site.headers(name), params=params, timeout=10
    )
    assert response.status_code == 200, response.text
    return response.json()


def test_sums_equal_the_plan_and_trouble_comes_first(site: RunningGateway) -> None:
    """An author sees every inbox of the plan with its state, and sums that add up to it."""
    post = site.client("ada").status_post("where will it go?")
    _plan(site, f"{post.uri}/activity", "Create", post.uri)
    (created,) = _get(site, f"statuses/{post.id}/delivery")["activities"]
    assert (created["type"], created["total"], created["planned_at"] is not None) == ("Create", 5, True)
    assert created["states"] == {"queued": 1, "delivered": 1, "parked": 1, "dead": 1, "superseded": 1}
    listed = created["deliveries"]
    assert {one["inbox"]: one["state"] for one in listed} == {
        inbox: state.name.lower() for inbox, state in STATES.items()
    }
    assert [one["host"] for one in listed][:2] == ["fir.example", "elm.example"]
    assert {one["attempts"] for one in listed} == {0, 1}


def test_lists_are_limited_and_the_sums_are_not(site: RunningGateway) -> None:
    """Only so many deliveries are listed, of a state or a host if need be, beside the sums of all."""
    post = site.client("ada").status_post("to very many")
    _plan(site, f"{post.uri}/activity", "Create", post.uri)
    for narrowed in ({"limit": "1"}, {"state": "parked"}, {"host": "fir.example"}):
        (created,) = _get(site, f"statuses/{post.id}/delivery", **narrowed)["activities"]
        assert [one["host"] for one in created["deliveries"]] == ["fir.example"]
        assert created["total"] == 5


def test_nobody_else_sees_it(site: RunningGateway) -> None:
    """Where a post went is its author's business only, and takes a token with the scope."""
    post = site.client("ada").status_post("mine")
    url = f"{site.origin}/api/heddle/v1/statuses/{post.id}/delivery"
    assert requests.get(url, headers=site.headers("grace"), timeout=10).status_code == 404
    assert requests.get(url, timeout=10).status_code == 401
    assert requests.get(url, headers=site.headers("ada", "write"), timeout=10).status_code == 403
    retried = requests.post(f"{url}/retry", headers=site.headers("grace"), timeout=10)
    assert retried.status_code == 404


def test_author_can_have_it_tried_again(site: RunningGateway) -> None:
    """Retrying makes due what is parked or given up; a host that failed a moment ago is not knocked at."""
    post = site.client("ada").status_post("once more")
    _plan(site, f"{post.uri}/activity", "Create", post.uri)
    now = datetime.now(UTC)
    later = now.replace(year=now.year + 1)
    trouble = Trouble(host="fir.example", error="http_503", at=now, next_try_at=later)
    site.db(lambda conn: hosts.record_troubles(conn, [trouble]))
    url = f"{site.origin}/api/heddle/v1/statuses/{post.id}/delivery"
    response = requests.post(f"{url}/retry", headers=site.headers("ada"), timeout=10)
    assert response.json() == {"retried": 2}
    (created,) = _get(site, f"statuses/{post.id}/delivery")["activities"]
    assert created["states"] == {"queued": 1, "delivered": 1, "parked": 2, "dead": 0, "superseded": 1}

    async def known(conn: Connection) -> dict[str, Host]:
        return await hosts.known_hosts(conn, ["fir.example", "elm.example"])

    found = site.db(known)
    assert found["fir.example"].next_try_at == later
    due = found["elm.example"].next_try_at
    assert due is not None
    assert due < later


def test_deletion_has_receipts(site: RunningGateway) -> None:
    """The author of a deleted post sees which servers confirmed the deletion, and which have not yet."""
    ada = site.client("ada")
    post = ada.status_post("soon gone")
    _plan(site, f"{post.uri}/activity", "Create", post.uri)
    path = f"deletions/{post.id}/receipts"
    missing = requests.get(f"{site.origin}/api/heddle/v1/{path}", headers=site.headers("ada"), timeout=10)
    assert missing.status_code == 404, "it is not deleted yet"
    ada.status_delete(post.id)
    _plan(site, f"{post.uri}#delete", "Delete", post.uri)
    receipts = _get(site, path)
    assert receipts["deleted_at"]
    (deleted,) = receipts["activities"]
    assert deleted["type"] == "Delete"
    confirmed = [one for one in deleted["deliveries"] if one["state"] == "delivered"]
    assert [(one["host"], one["status"]) for one in confirmed] == [("oak.example", 202)]
    assert deleted["total"] == 5
