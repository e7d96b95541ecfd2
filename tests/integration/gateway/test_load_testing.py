"""What load testers ask of the gateway: consent, and Fedify's benchmark endpoints in a test-only mode."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from services.load_generator import safety
from services.load_generator.safety import proof
from shared.protocol.messages import Codec, Delivery
from tests.integration.gateway.running import RunningGateway, running_gateway

SECRET = "a consent given by the operator"
CHALLENGE = "0123456789abcdef0123"
TRIGGER, STATS = "/.well-known/fedify/bench/trigger", "/.well-known/fedify/bench/stats"
CONSENT = "/.well-known/heddle/load-consent"


@pytest.fixture(scope="module")
def tested(database_url: str) -> Iterator[RunningGateway]:
    """Yield a gateway that consents and serves the benchmark endpoints."""
    more = {"HEDDLE_LOAD_TEST_CONSENT": SECRET, "HEDDLE_BENCHMARK_MODE": "true"}
    with running_gateway(database_url, more) as running:
        running.account("tester")
        yield running


def order(gateway: RunningGateway, **changes: Any) -> dict[str, Any]:
    """Return what `fedify bench` posts to the trigger."""
    return {
        "sender": {"identifier": "tester"},
        "recipients": [
            {
                "type": "Service",
                "id": f"http://127.0.0.1:9/actors/{n}",
                "inbox": f"http://127.0.0.1:9/inbox/{n}",
            }
            for n in range(5)
        ],
        "activity": {
            "@context": "https://www.w3.org/ns/activitystreams",
            "type": "Create",
            "id": f"{gateway.origin}/bench/1",
            "actor": f"{gateway.origin}/users/tester",
            "object": {"type": "Note", "id": f"{gateway.origin}/objects/bench-1", "content": "Hello"},
        },
    } | changes


def counted(gateway: RunningGateway) -> dict[str, int]:
    """Return the figures of the stats endpoint by name."""
    document = requests.get(gateway.origin + STATS, timeout=10).json()
    assert (document["version"], document["source"]) == (1, "server")
    metrics = document["scopeMetrics"][0]["metrics"]
    return {metric["name"]: metric["dataPoints"][0]["value"] for metric in metrics}


def test_nothing_of_it_is_there_by_default(site: RunningGateway) -> None:
    """Without the settings all three addresses are unknown."""
    for path in (STATS, CONSENT):
        assert requests.get(site.origin + path, timeout=10).status_code == 404
    assert requests.post(site.origin + TRIGGER, json=order(site), timeout=10).status_code == 404


def test_the_challenge_is_answered_for_this_host(tested: RunningGateway) -> None:
    """The answer is the proof that only who knows the secret can compute, and it holds for this host."""
    answer = requests.get(tested.origin + CONSENT, params={"challenge": CHALLENGE}, timeout=10)
    host = tested.origin.removeprefix("http://")
    assert answer.text == proof(SECRET, host, CHALLENGE)
    assert answer.text != proof(SECRET, "other.example", CHALLENGE)
    assert SECRET not in answer.text


async def test_a_public_target_is_loaded_with_its_consent_alone(
    tested: RunningGateway, site: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generator goes ahead where the challenge is answered; not with another secret, nor unanswered."""
    monkeypatch.setattr(safety, "is_private", lambda _: False)
    place = await safety.locate(tested.origin)
    assert await safety.check(place, SECRET) == f"{place.host} has consented"
    for origin, secret in ((tested.origin, "another secret of some length"), (site.origin, SECRET)):
        with pytest.raises(safety.NotAllowed, match="does not consent"):
            await safety.check(await safety.locate(origin), secret)


@pytest.mark.parametrize("challenge", ["", "short", "x" * 129, "ä" * 20])
def test_a_challenge_that_is_none_is_refused(tested: RunningGateway, challenge: str) -> None:
    """Too short, too long or not ASCII is a bad request."""
    answer = requests.get(tested.origin + CONSENT, params={"challenge": challenge}, timeout=10)
    assert answer.status_code == 400


def test_the_trigger_plans_one_delivery_for_each_sink(tested: RunningGateway) -> None:
    """Five sinks give five queued deliveries, signed by the sender whatever path the tool guessed."""
    before = counted(tested)["fedify.queue.task.enqueued"]
    answer = requests.post(tested.origin + TRIGGER, json=order(tested), timeout=10)
    rows = tested.db(
        lambda conn: conn.fetch("SELECT queue, payload FROM outbox WHERE queue LIKE 'deliver.%'")
    )
    payloads = [row["payload"] for row in rows]
    deliveries = [one for payload in payloads for one in Codec(Delivery).decode(payload)]
    assert answer.status_code == 202
    assert answer.json() == {
        "version": 1,
        "activityId": f"{tested.origin}/bench/1",
        "queueCorrelationId": f"{tested.origin}/bench/1",
        "recipientCount": 5,
        "inboxCount": 5,
    }
    assert counted(tested)["fedify.queue.task.enqueued"] == before + 5
    inboxes = [target.inbox for one in deliveries for target in one.targets]
    assert sorted(inboxes) == [f"http://127.0.0.1:9/inbox/{n}" for n in range(5)]
    assert f"/users/{tested.author('tester').id}".encode() in deliveries[0].body


@pytest.mark.parametrize("word", ["identifier", "username", "id"])
def test_the_tool_may_name_the_sender_in_three_ways(tested: RunningGateway, word: str) -> None:
    """An identifier is a name or an id, and a username is a name."""
    name = str(tested.author("tester").id) if word == "id" else "tester"
    wish = order(tested, sender={"identifier" if word == "id" else word: name})
    wish["activity"]["id"] += f"-by-{word}"
    assert requests.post(tested.origin + TRIGGER, json=wish, timeout=10).status_code == 202


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"recipients": [{"inbox": "https://mastodon.example/inbox"}]}, 403),
        ({"recipients": [{"inbox": "http://93.184.216.34/inbox"}]}, 403),
        ({"recipients": [{"inbox": "ftp://127.0.0.1/inbox"}]}, 403),
        ({"recipients": [{"inbox": "http://[/inbox"}]}, 403),
        ({"recipients": []}, 400),
        ({"sender": {"identifier": "nobody"}}, 404),
        ({"sender": {}}, 400),
        ({"sender": {"identifier": "9" * 40}}, 404),
        ({"activity": {"type": "Create"}}, 400),
        ({"activity": 7}, 400),
    ],
)
def test_bad_orders_are_refused(tested: RunningGateway, changes: dict[str, Any], status: int) -> None:
    """Recipients elsewhere, unknown senders and broken activities plan nothing."""
    before = counted(tested)["fedify.queue.task.enqueued"]
    answer = requests.post(tested.origin + TRIGGER, json=order(tested, **changes), timeout=10)
    assert answer.status_code == status
    assert counted(tested)["fedify.queue.task.enqueued"] == before


def test_figures_follow_the_deliveries(tested: RunningGateway) -> None:
    """What arrives is completed, what is parked or given up has failed, what is given up for good is told."""
    before = counted(tested)
    for state in (1, 2, 3):
        tested.execute(
            """
            INSERT INTO deliveries (activity_hash, inbox, host, shared, state, created_at)
            VALUES ($1, 'http://127.0.0.1:9/inbox/x', '127.0.0.1:9', false, $2, now())
            """,
            bytes([state] * 16),
            state,
        )
    after = counted(tested)
    grown = {name: after[name] - before[name] for name in before}
    assert grown["fedify.queue.task.completed"] == 1
    assert grown["fedify.queue.task.failed"] == 2
    assert grown["activitypub.delivery.permanent_failure"] == 1
