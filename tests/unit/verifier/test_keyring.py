"""What the verifier remembers is bounded."""

import asyncio

import pytest

from services.signature_verifier.gate import Gate, HostBusy
from services.signature_verifier.keyring import Refetches


def test_one_refetch_per_key_and_window() -> None:
    """A key may be fetched again once in a window, and again after it."""
    refetches, over = Refetches(window=1e9), Refetches(window=0.0)
    for one in (refetches, over):
        assert one.is_open("a")
        one.close("a")
    assert not refetches.is_open("a")
    assert refetches.is_open("b")
    assert over.is_open("a")


def test_refetches_are_remembered_for_so_many_keys_only() -> None:
    """However many keys are named, no more than the bound is remembered."""
    refetches = Refetches(window=1e9, size=10)
    for number in range(1000):
        refetches.close(str(number))
    assert refetches.is_open("0")
    assert not refetches.is_open("999")


async def test_busy_host_turns_away_and_others_do_not_notice() -> None:
    """Whoever finds all slots of a host taken is turned away; another host's slots are free."""
    gate = Gate(per_host=2, patience=0.01)
    async with gate.enter("a"), gate.enter("a"):
        with pytest.raises(HostBusy):
            await _enter(gate, "a")
        await _enter(gate, "b")
    await asyncio.gather(*(_enter(gate, "a") for _ in range(2)))


async def _enter(gate: Gate, host: str) -> None:
    async with gate.enter(host):
        pass
