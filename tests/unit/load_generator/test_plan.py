"""The plan: everything fixed before the start, repeatable, and each change after what it changes."""

from collections import Counter
from pathlib import Path

import pytest

from services.load_generator.characters import NAMED, Cast, cast
from services.load_generator.keys import KeyRing, load_ring
from services.load_generator.plan import LocalPost, Person, Planner, Step, taken_back
from services.load_generator.population import Population
from services.load_generator.scenario import Traffic
from services.load_generator.wire import compose, sign
from shared.protocol.reader import read_activity

MIX: dict[str, float] = {
    "create": 5,
    "update": 1,
    "delete": 2,
    "like": 2,
    "follow": 1,
    "unfollow": 1,
    "announce": 1,
    "reply": 1,
}
ADA = Person(uri="http://loom.localhost/users/1", inbox="http://loom.localhost/users/1/inbox", acct="ada")
BEGUN = 1_000_000_000.0  # on 2001-09-09, long past: no clock of today shows in what is signed
POST = LocalPost(uri="http://loom.localhost/objects/2", author=ADA.uri)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """Return two keys."""
    return load_ring(Path(tmp_path_factory.mktemp("keys")) / "keys", 2)


def planned(keys: KeyRing, *, seed: int = 1, prefix: str = "r", **changes: object) -> list[Step]:
    """Return a plan of some five hundred steps."""
    traffic = Traffic(mix=MIX, rate=50.0, seconds=10.0, **changes)  # type: ignore[arg-type]  # a test's wish
    population = Population(hosts=10, actors_per_host=5, port=8470, keys=keys, run="r")
    players = Cast(cast({"dead": 0.2, "dripping": 0.2}, 10, 1), NAMED)
    planner = Planner(
        traffic,
        population,
        players,
        people=[ADA],
        posts=[POST],
        shared_inbox="http://loom.localhost/inbox",
        seed=seed,
        begun=BEGUN,
    )
    return planner.steps(prefix)


def test_the_same_seed_is_the_same_plan(keys: KeyRing) -> None:
    """Two processes with one seed agree on every step; another seed differs."""
    assert planned(keys) == planned(keys)
    assert planned(keys) != planned(keys, seed=2)


def test_ids_are_those_of_the_activities(keys: KeyRing) -> None:
    """What the ledger waits for is the id that stands in the body, for every kind."""
    seen = set()
    for step in planned(keys):
        request = sign(keys, step)
        activity = read_activity(request.wire.partition(b"\r\n\r\n")[2])
        assert activity.id == step.activity_id == request.activity_id
        assert activity.actor == step.actor.uri
        seen.add(step.kind)
    assert seen == set(MIX)


def test_changes_follow_what_they_change(keys: KeyRing) -> None:
    """Each Update, Delete and Undo names an earlier step of the same actor, a second or more before."""
    steps = planned(keys)
    first = {(step.actor.uri, step.key): step for step in steps}
    changes = [step for step in steps if step.subject]
    assert changes
    for step in changes:
        assert first[step.actor.uri, step.subject].at < step.at - 1


def test_what_is_taken_back_is_known(keys: KeyRing) -> None:
    """Each deletion and each Undo names an activity of the plan, which an outside look may never see."""
    steps = planned(keys)
    kinds = {step.activity_id: step.kind for step in steps}
    back = taken_back(steps)
    assert {kinds[one] for one in back} == {"create", "follow"}
    assert len(back) == len({step.activity_id for step in steps if step.kind in {"delete", "unfollow"}})


def test_a_post_is_deleted_once(keys: KeyRing) -> None:
    """No two deletions concern the same post."""
    deleted = Counter(step.activity_id for step in planned(keys) if step.kind == "delete")
    assert set(deleted.values()) == {1}


def test_duplicates_repeat_an_id(keys: KeyRing) -> None:
    """A fifth of the requests are copies, each with the id of an earlier step."""
    steps = planned(keys, duplicates=0.2)
    copies = [step for step in steps if step.copy]
    originals = {step.activity_id for step in steps if not step.copy}
    assert len(copies) == pytest.approx(len(steps) / 5, rel=0.3)
    assert {step.activity_id for step in copies} <= originals


def test_a_copy_says_the_same_to_the_byte(keys: KeyRing) -> None:
    """A copy has the body of its original, whenever it is signed: with other dates an edit is another one."""
    steps = planned(keys, duplicates=0.3)
    originals = {step.activity_id: compose(step) for step in steps if not step.copy}
    copies = [step for step in steps if step.copy]
    assert {step.kind for step in copies} == set(MIX)
    for step in copies:
        assert compose(step) == originals[step.activity_id]
        assert step.kind not in {"update", "announce"} or b"2001-09-09T" in compose(step)


def test_the_dead_send_nothing(keys: KeyRing) -> None:
    """Servers that are dead or drip send nothing: nobody could fetch their keys."""
    players = Cast(cast({"dead": 0.2, "dripping": 0.2}, 10, 1), NAMED)
    senders = {int(step.actor.host[1:6]) for step in planned(keys)}
    assert senders == {number for number in range(10) if players.names[number] == "good"}


def test_newcomers_are_new_in_every_run(keys: KeyRing) -> None:
    """Servers never heard of have names that no other run has."""
    hosts = {step.actor.host for step in planned(keys, new_servers=1.0)}
    assert len(hosts) > 300
    assert all("-r." in host for host in hosts)


def test_a_roll_call_leaves_nobody_out(keys: KeyRing) -> None:
    """Every actor that may send posts once, at the rate asked for."""
    population = Population(hosts=10, actors_per_host=5, port=8470, keys=keys, run="r")
    players = Cast(cast({"dead": 0.2}, 10, 1), NAMED)
    planner = Planner(
        Traffic(mix=MIX, rate=1.0, seconds=1.0),
        population,
        players,
        people=[ADA],
        posts=[],
        shared_inbox=ADA.inbox,
        seed=1,
        begun=BEGUN,
    )
    steps = planner.roll_call("p", 20.0)
    assert len({step.actor.uri for step in steps}) == len(steps) == 40
    assert steps[-1].at == pytest.approx(39 / 20)


def test_an_actor_keeps_its_key(keys: KeyRing) -> None:
    """However many servers there are, an actor's key is the same; with other keys it has another name."""
    small = Population(hosts=3, actors_per_host=5, port=8470, keys=keys, tag=keys.fingerprint)
    large = Population(hosts=30, actors_per_host=50, port=8470, keys=keys, tag=keys.fingerprint)
    for number in range(len(small)):
        actor = small.actor(number)
        found = large.find(actor.host, actor.username)
        assert found == actor
        assert large.find(actor.host, actor.username.replace(keys.fingerprint, "000000")) is None
