"""The names and arguments of the queues."""

from collections import Counter

from shared.queue import topology


def test_a_host_keeps_its_shard() -> None:
    """The shard of a host is the same in every process and release, whatever the spelling of its case."""
    assert topology.shard_of("mastodon.example") == topology.shard_of("Mastodon.Example")
    assert [topology.shard_of(f"host{n}.example") for n in range(6)] == [7, 27, 16, 5, 3, 11]


def test_hosts_spread_over_all_shards() -> None:
    """Many hosts use every shard, none of them much more than its share."""
    counts = Counter(topology.shard_of(f"host{n}.example") for n in range(32_000))
    assert set(counts) == set(range(topology.SHARDS))
    assert max(counts.values()) < 1300


def test_every_queue_has_where_to_put_its_dead() -> None:
    """Each queue refuses when full and gives its dead to a queue of its own, at least once."""
    for spec in topology.QUEUES.values():
        arguments = spec.arguments()
        assert arguments["x-queue-type"] == "quorum"
        assert arguments["x-overflow"] == "reject-publish"
        assert arguments["x-dead-letter-strategy"] == "at-least-once"
        assert arguments["x-dead-letter-routing-key"] == f"{spec.name}.dead"
        assert arguments["x-delivery-limit"] > 20


def test_ordered_queues_have_one_consumer_at_a_time() -> None:
    """The plan and each shard of deliveries are worked by one process at a time; the others are shared."""
    single = {spec.name for spec in topology.QUEUES.values() if spec.single_consumer}
    assert single == {"fanout.plan", *(f"deliver.{n:02d}" for n in range(32))}
