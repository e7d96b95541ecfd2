"""Who works which shard."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.fanout_deliverer.affinity import assign

SHARDS = range(32)
MEMBERS = st.sets(st.integers(1, 9), min_size=1)
HELD = st.dictionaries(st.sampled_from(SHARDS), st.integers(1, 12))


@given(MEMBERS, HELD)
def test_shards_are_spread_evenly(members: set[int], held: dict[int, int]) -> None:
    """Whoever held what, every shard is somebody's, and no two shares differ by more than one."""
    assigned = assign(SHARDS, members, held)
    shares = Counter(assigned.values())
    assert sorted(assigned) == list(SHARDS)
    assert set(shares) <= members
    assert max(shares.values()) - min(shares[member] for member in members) <= 1


@given(MEMBERS, HELD)
def test_what_is_in_balance_stays(members: set[int], held: dict[int, int]) -> None:
    """Once all hold what they are to hold, nothing moves any more."""
    assigned = assign(SHARDS, members, held)
    assert assign(SHARDS, members, assigned) == assigned


@given(MEMBERS, HELD, st.integers(1, 12))
def test_only_what_has_to_move_moves(members: set[int], held: dict[int, int], changed: int) -> None:
    """When one joins or leaves, the others keep what they hold, but for what the newcomer's share takes."""
    before = assign(SHARDS, members, held)
    after_members = members ^ {changed} or {changed}
    after = assign(SHARDS, after_members, before)
    moved = [shard for shard in SHARDS if after[shard] != before[shard]]
    if changed in members:
        assert all(before[shard] == changed for shard in moved)
    else:
        assert all(after[shard] == changed for shard in moved)


def test_without_members_nothing_is_assigned() -> None:
    """Where nobody takes part, nobody is to work anything."""
    assert assign(SHARDS, set(), {1: 1}) == {}
