"""What the target owes other servers: missing deliveries are lost unless there is a good reason."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from services.load_generator.characters import NAMED, Cast
from services.load_generator.keys import load_ring
from services.load_generator.ledger import Account
from services.load_generator.outbound import OutboundAudit
from services.load_generator.population import Population
from services.load_generator.simulated_servers import Arrived

POST = "http://loom.localhost/objects/1"
States = Mapping[tuple[str, str], str]


@pytest.fixture
def population(tmp_path: Path) -> Population:
    """Return two servers."""
    return Population(hosts=2, actors_per_host=1, port=8470, keys=load_ring(tmp_path / "keys", 1))


def audited(
    population: Population, *names: str, kinds: str = "Create", states: States | None = None
) -> Account:
    """Return the account of a post, or its deletion, of which nothing has arrived at the first server."""
    audit = OutboundAudit(Cast(names, NAMED), population, late_after=5)
    for order, kind in enumerate(kinds.split()):
        audit.expect(kind, POST, population.host(0), 0.0, order=order)
    audit.excuse(states)
    return audit.ledger.account()


def said(population: Population, state: str, form: str = "/activity") -> States:
    """Return the target's word on the post at the first server."""
    return {(f"{POST}{form}", population.host(0)): state}


@pytest.mark.parametrize("state", ["queued", "parked"])
def test_what_is_under_way_is_not_lost(population: Population, state: str) -> None:
    """What the target still means to deliver is waiting."""
    account = audited(population, "good", "good", states=said(population, state))
    assert (account.owed, account.waiting, account.lost) == (1, 1, 0)


@pytest.mark.parametrize("state", ["delivered", "dead", ""])
def test_what_did_not_arrive_is_lost(population: Population, state: str) -> None:
    """A good server that got nothing has lost it, whatever the target says of it, or if it says nothing."""
    account = audited(population, "good", "good", states=said(population, state))
    assert (account.waiting, account.lost) == (0, 1)


def test_a_post_deleted_before_it_was_sent_is_owed_no_more(population: Population) -> None:
    """Once the deletion is owed the post need not arrive; the deletion has to."""
    states = said(population, "superseded")
    account = audited(population, "good", "good", kinds="Create Delete", states=states)
    assert (account.owed, account.lost) == (1, 1)
    assert account.examples["lost"] == [f"Delete {POST} {population.host(0)}"]


def test_a_post_is_superseded_by_nothing_else(population: Population) -> None:
    """A target that drops a post which nobody deleted has lost it."""
    account = audited(population, "good", "good", states=said(population, "superseded"))
    assert (account.owed, account.lost) == (1, 1)


def test_who_tells_nothing_is_excused_at_slow_servers_alone(population: Population) -> None:
    """Without the target's database a slow server's delivery is under way, a good server's is lost."""
    assert audited(population, "slow", "good").waiting == 1
    assert audited(population, "good", "good").lost == 1


@pytest.mark.parametrize("name", ["dead", "dripping", "gone", "failing"])
def test_nothing_is_owed_to_who_never_accepts(population: Population, name: str) -> None:
    """A delivery that no server would take in is planned, and not owed."""
    account = audited(population, name, "good")
    assert (account.planned, account.owed, account.lost) == (1, 0, 0)


def test_a_refused_delivery_waits_until_it_arrives(population: Population) -> None:
    """A 503 is no arrival; the next try settles it."""
    audit = OutboundAudit(Cast(["flaky", "good"], NAMED), population, late_after=5)
    audit.expect("Create", POST, population.host(0), 0.0)
    for status, waiting in ((503, 1), (202, 0)):
        audit.arrived(Arrived(population.host(0), "/inbox", "", "Create", 1.0, POST, status))
        assert audit.ledger.account().waiting == waiting
    assert audit.ledger.account().settled == 1
