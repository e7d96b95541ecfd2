"""`heddle queue`, `dead`, `host`, `block`, `delivery` and `trace`."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from shared.database import claims, hosts, peer_profiles, refusals, retired_inboxes
from shared.database.claims import Claim
from shared.database.deliveries import State
from shared.database.pool import Connection
from shared.database.refusals import Refusal
from shared.database.retired_inboxes import Gone
from shared.protocol.identifiers import uri_hash
from shared.queue.connection import connect
from shared.queue.topology import ALL_QUEUES, INBOX_RECEIVED
from tests.integration.console.command_line import ORIGIN, Heddle
from tests.integration.console.trouble import kill_letters, plan

NOW = datetime.now(UTC)
ACTIVITY = "https://birch.example/activities/1"


class OneDelivery(Struct):
    """A delivery in a report."""

    inbox: str
    state: str


class OneActivity(Struct):
    """An activity in a report."""

    deliveries: list[OneDelivery]
    total: int
    states: dict[str, int]


class Report(Struct):
    """What `delivery --json` prints."""

    post: str
    activities: list[OneActivity]


class OneClaim(Struct):
    """What an activity did."""

    outcome: str


class Way(Struct):
    """What `trace --json` prints."""

    applied: list[OneClaim]


async def test_dead_letters_are_listed_read_replayed_and_purged(heddle: Heddle, own_broker_url: str) -> None:
    """A dead letter shows its reason and contents; `replay` puts it back on its queue, `purge` drops it."""
    async with connect(own_broker_url, "test") as broker:
        await broker.wait_until_up()
        await kill_letters(broker, 3)
    listed = (await heddle("dead", "list", "--json")).records()
    assert [letter["reason"] for letter in listed] == ["unreadable"] * 3
    assert listed[0]["queue"] == INBOX_RECEIVED
    shown = (await heddle("dead", "show", INBOX_RECEIVED, str(listed[0]["id"]), "--json")).record()
    assert shown["detail"] == "Unreadable: no sense in it"
    assert "birch.example/activities/0" in str(shown["items"])
    await heddle("dead", "replay", INBOX_RECEIVED, "--id", str(listed[0]["id"]))
    left = (await heddle("dead", "list", INBOX_RECEIVED, "--json")).records()
    assert [letter["id"] for letter in left] == [letter["id"] for letter in listed[1:]]
    await heddle("dead", "purge", INBOX_RECEIVED, code=1)
    await heddle("dead", "purge", INBOX_RECEIVED, "--yes")
    assert (await heddle("dead", "list", "--json")).records() == []


async def test_a_queue_or_letter_that_is_not_there_is_told_apart(heddle: Heddle) -> None:
    """A wrong queue name is wrong usage (exit 2), an unknown letter a failure (exit 1)."""
    await heddle("dead", "list", "nowhere", code=2)
    await heddle("dead", "replay", "nowhere", code=2)
    await heddle("dead", "show", INBOX_RECEIVED, "nothing", code=1)


async def test_the_queue_list_names_every_queue(heddle: Heddle, own_broker_url: str) -> None:
    """`queue list --json` names all queues with depth and consumers; the table sums up the shards."""
    async with connect(own_broker_url, "test") as broker:
        await broker.wait_until_up()
        listed = (await heddle("queue", "list", "--json")).records()
        assert [queue["queue"] for queue in listed] == list(ALL_QUEUES)
        assert {"messages", "ready", "unacknowledged", "consumers", "dead"} <= set(listed[0])
        table = (await heddle("queue", "list")).out
        assert "deliver.* (32)" in table
        assert "deliver.07" not in table
        assert "deliver.07" in (await heddle("queue", "list", "--shards")).out


async def test_a_given_up_delivery_is_a_visible_dead_letter(heddle: Heddle, database: Connection) -> None:
    """A delivery that was given up is in `dead list`; `dead replay deliveries` has it tried again."""
    await plan(
        database, {"https://fir.example/inbox": State.DEAD, "https://oak.example/inbox": State.DELIVERED}
    )
    listed = (await heddle("dead", "list", "deliveries", "--json")).records()
    assert [(one["id"], one["reason"]) for one in listed] == [("https://fir.example/inbox", "expired")]
    await heddle("dead", "replay", "deliveries", "--host", "elsewhere.example")
    assert len((await heddle("dead", "list", "deliveries", "--json")).records()) == 1
    await heddle("dead", "replay", "deliveries", "--host", "fir.example")
    state, due = await database.fetchrow(
        "SELECT state, next_try_at <= now() FROM deliveries WHERE host = 'fir.example'"
    ) or (None, None)
    assert (state, due) == (State.PARKED, True)
    assert await database.fetchval("SELECT next_try_at <= now() FROM hosts WHERE host = 'fir.example'")


async def test_a_posts_delivery_report_sums_up_to_the_plan(heddle: Heddle, database: Connection) -> None:
    """`delivery` finds a post by id, URI and page, and lists every inbox with its state."""
    await heddle("account", "create", "ada", "--federate")
    made = (await heddle("post", "ada", "Hello")).record()
    states = {
        "https://fir.example/inbox": State.PARKED,
        "https://oak.example/inbox": State.DELIVERED,
        "https://elm.example/inbox": State.DEAD,
    }
    await plan(database, states, subject=str(made["uri"]))
    names = (str(made["id"]), str(made["uri"]), str(made["url"]))
    for outcome in await asyncio.gather(*(heddle("delivery", name, "--json") for name in names)):
        report = msgspec.json.decode(outcome.out, type=Report)
        assert report.post == made["uri"]
        found = {one.inbox: one.state for one in report.activities[0].deliveries}
        assert found == {inbox: state.name.lower() for inbox, state in states.items()}
        assert report.activities[0].total == len(states)
        sums = {"queued": 0, "delivered": 1, "parked": 1, "dead": 1, "superseded": 0}
        assert report.activities[0].states == sums
    assert "1 delivered, 1 parked, 1 dead of 3" in (await heddle("delivery", str(made["id"]))).err
    strange = ("123", "https://elsewhere.example/@ada/1")
    await asyncio.gather(*(heddle("delivery", name, code=1) for name in strange))


async def test_an_activitys_journey_is_traced(heddle: Heddle, database: Connection) -> None:
    """`trace` shows what was applied, refused and sent under an id; an unknown id exits 1."""
    actor = "https://birch.example/users/nora"
    claim = Claim(
        hash=uri_hash(ACTIVITY), uri=ACTIVITY, type="Create", actor_uri=actor, trace="a" * 32, local=False,
        received_at=NOW,
    )  # fmt: skip
    await claims.claim(database, [claim])
    refusal = Refusal(
        activity_uri=f"{ACTIVITY}0", actor_uri=actor, stage="signature_verifier", reason="signature_invalid",
        detail="", trace="b" * 32,
    )  # fmt: skip
    await refusals.record(database, [refusal])
    await plan(database, {"https://fir.example/inbox": State.QUEUED}, activity=f"{ORIGIN}/activities/5")
    way = msgspec.json.decode((await heddle("trace", ACTIVITY, "--json")).out, type=Way)
    assert [one.outcome for one in way.applied] == ["applied"]
    refused = await heddle("trace", f"{ACTIVITY}0")
    assert "signature_invalid" in refused.err
    sent = await heddle("trace", f"{ORIGIN}/activities/5")
    assert "https://fir.example/inbox" in sent.out
    await heddle("trace", "https://nowhere.example/1", code=1)


async def test_hosts_in_trouble_come_first(heddle: Heddle, database: Connection) -> None:
    """`host list` begins with what fails; `--troubled` leaves out the rest; `host show` tells why."""
    await hosts.record_successes(database, [hosts.Success(host="oak.example", scheme="cavage", at=NOW)])
    trouble = hosts.Trouble(host="fir.example", error="connect_failed", at=NOW, next_try_at=NOW)
    await hosts.record_troubles(database, [trouble])
    listed = (await heddle("host", "list", "--json")).records()
    assert [host["host"] for host in listed] == ["fir.example", "oak.example"]
    troubled = (await heddle("host", "list", "--troubled", "--json")).records()
    assert [host["host"] for host in troubled] == ["fir.example"]
    shown = (await heddle("host", "show", "FIR.example", "--json")).record()
    assert (shown["failures"], shown["last_error"]) == (1, "connect_failed")
    await heddle("host", "show", "nowhere.example", code=1)


async def test_hosts_are_paused_resumed_and_probed(heddle: Heddle, database: Connection) -> None:
    """A paused host is not tried until it is resumed; `probe` makes it due, and its inboxes not gone."""
    await heddle("host", "pause", "FIR.example")
    assert (await heddle("host", "show", "fir.example", "--json")).record()["paused"] is True
    await heddle("host", "probe", "fir.example", code=1)
    await heddle("host", "resume", "fir.example")
    later = NOW + timedelta(hours=8)
    trouble = hosts.Trouble(host="fir.example", error="http_503", at=NOW, next_try_at=later)
    await hosts.record_troubles(database, [trouble])
    gone = Gone(inbox="https://fir.example/users/nora/inbox", host="fir.example", shared=False, at=NOW)
    await retired_inboxes.note_gone(database, [gone])
    await heddle("host", "probe", "fir.example")
    known = (await hosts.known_hosts(database, ["fir.example"]))["fir.example"]
    assert (known.paused, known.next_try_at and known.next_try_at < later) == (False, True)
    assert await retired_inboxes.retired(database, [gone.inbox]) == set()
    for command in ("resume", "probe"):
        await heddle("host", command, "nowhere.example", code=1)


async def test_what_was_learned_of_a_host_is_shown(heddle: Heddle, database: Connection) -> None:
    """`host show` and `host list` export what was learned: signature, manners, latency, failures."""
    for seconds in (0.1, 0.2):
        success = hosts.Success(host="fir.example", scheme="rfc9421", at=NOW, seconds=seconds)
        await hosts.record_successes(database, [success])
    trouble = hosts.Trouble(host="fir.example", error="http_503", at=NOW, next_try_at=NOW)
    await hosts.record_troubles(database, [trouble])
    await hosts.record_successes(database, [hosts.Success(host="fir.example", scheme="", at=NOW)])
    gone = Gone(inbox="https://fir.example/users/nora/inbox", host="fir.example", shared=False, at=NOW)
    await retired_inboxes.note_gone(database, [gone])
    await hosts.note_digest_forms(database, {"fir.example": "sha-256"})
    await peer_profiles.note_accept(database, "fir.example", "application/activity+json")
    shown = (await heddle("host", "show", "fir.example", "--json")).record()
    assert (shown["signature_scheme"], shown["latency_ms"]) == ("rfc9421", 130)
    assert (shown["failures"], shown["troubles"], shown["last_error"]) == (0, 1, "http_503")
    assert (shown["retired_inboxes"], bool(shown["scheme_checked_at"])) == (1, True)
    assert (shown["digest_form"], shown["fetch_accept"]) == ("sha-256", "application/activity+json")
    assert (await heddle("host", "list", "--json")).records() == [shown]


async def test_a_posts_deliveries_are_tried_again(heddle: Heddle, database: Connection) -> None:
    """`delivery POST --retry` makes due what is parked or was given up, and leaves alone what has arrived."""
    await heddle("account", "create", "ada", "--federate")
    made = (await heddle("post", "ada", "Hello")).record()
    states = {
        "https://fir.example/inbox": State.PARKED,
        "https://oak.example/inbox": State.DELIVERED,
        "https://elm.example/inbox": State.DEAD,
    }
    await plan(database, states, subject=str(made["uri"]))
    outcome = await heddle("delivery", str(made["id"]), "--retry", "--json")
    (activity,) = msgspec.json.decode(outcome.out, type=Report).activities
    assert {one.inbox: one.state for one in activity.deliveries} == {
        "https://fir.example/inbox": "parked",
        "https://oak.example/inbox": "delivered",
        "https://elm.example/inbox": "parked",
    }
    assert await database.fetchval("SELECT count(*) FROM hosts WHERE next_try_at <= now()") == 2


async def test_blocks_are_added_changed_listed_and_lifted(heddle: Heddle) -> None:
    """`block add` moderates a domain, again to change it; `remove` lifts it, once."""
    await heddle("block", "add", "Spam.Example", "--comment", "spam")
    await heddle("block", "add", "bücher.example", "--severity", "silence")
    await heddle("block", "add", "spam.example", "--severity", "silence", "--reject-media")
    listed = (await heddle("block", "list", "--json")).records()
    assert [(one["domain"], one["severity"], one["reject_media"]) for one in listed] == [
        ("spam.example", "silence", True),
        ("xn--bcher-kva.example", "silence", False),
    ]
    await heddle("block", "remove", "spam.example")
    await heddle("block", "remove", "spam.example", code=1)
    wrong = ("not a domain", "https://spam.example/", "spam-.example", "spam..example", "")
    await asyncio.gather(*(heddle("block", "add", domain, code=1) for domain in wrong))


async def test_an_empty_listing_is_an_empty_list(heddle: Heddle) -> None:
    """A listing without entries is `[]` as JSON, and a word on standard error for people; exit 0."""
    groups = ("account", "host", "block")
    for outcome in await asyncio.gather(*(heddle(group, "list", "--json") for group in groups)):
        assert outcome.json() == []
    for outcome in await asyncio.gather(*(heddle(group, "list") for group in groups)):
        assert outcome.out == ""
        assert outcome.err
