"""Which deliverer is to work which shard, without any I/O: evenly, and moving as little as may be."""

from collections.abc import Collection, Mapping


def assign(shards: Collection[int], members: Collection[int], held: Mapping[int, int]) -> dict[int, int]:
    """Return who is to work each shard; everybody who knows the same comes to the same result.

    Members keep what they hold up to their share; shares differ by one at most.

    Args:
        shards: All there are.
        members: Who takes part; nobody is assigned anything where there are none.
        held: Who holds which shard now; holders that take no part lose theirs.
    """
    kept: dict[int, list[int]] = {member: [] for member in members}
    for shard in sorted(shards):
        if (holder := held.get(shard)) in kept:
            kept[holder].append(shard)
    if not kept:
        return {}
    # The larger shares go to those who hold most, so that fewer shards move.
    ranked = sorted(kept, key=lambda member: (-len(kept[member]), member))
    share, larger = divmod(len(shards), len(ranked))
    shares = {member: share + (rank < larger) for rank, member in enumerate(ranked)}
    assigned = {shard: member for member in ranked for shard in kept[member][: shares[member]]}
    takers = iter([m for m in ranked for _ in range(shares[m] - min(len(kept[m]), shares[m]))])
    return assigned | {shard: next(takers) for shard in sorted(shards) if shard not in assigned}
