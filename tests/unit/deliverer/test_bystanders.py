"""Whose way the bulk may be in."""

import pytest

from services.fanout_deliverer import bystanders
from services.fanout_deliverer.bystanders import ABOUT, Bystanders

ADA, BEN = 1, 2


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


def _about(seen: Bystanders) -> bool:
    seen.look()
    return seen.about


def test_others_are_about_for_a_while() -> None:
    """Whoever sent something lately counts as there, also between two posts; nobody does before the first."""
    clock = Clock()
    seen = Bystanders(clock)
    about = [_about(seen)]
    seen.send([BEN])
    for seconds in (0.0, ABOUT * 0.9, ABOUT * 0.2):
        clock.now += seconds
        about.append(_about(seen))
    assert about == [False, True, True, False]


def test_nobody_is_in_their_own_way() -> None:
    """Authors whose bulk is sent are none of those whom it holds up; as soon as it has gone, they are."""
    clock = Clock()
    seen = Bystanders(clock)
    seen.send_in_bulk([ADA])
    seen.send([ADA])
    assert not _about(seen)
    seen.send([BEN])
    assert _about(seen)
    clock.now += ABOUT + 1
    seen.send([ADA])
    assert _about(seen)


def test_who_is_silent_is_forgotten_though_others_go_on() -> None:
    """Whoever came before somebody else and goes on does not keep them here."""
    clock = Clock()
    seen = Bystanders(clock)
    seen.send([BEN, ADA])
    clock.now += ABOUT * 0.9
    seen.send([BEN])
    seen.send_in_bulk([BEN])
    clock.now += ABOUT * 0.2
    assert not _about(seen)


def test_few_authors_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many send, memory is bounded; whoever sent nothing for longest is forgotten."""
    monkeypatch.setattr(bystanders, "AUTHORS", 2)
    seen = Bystanders(Clock())
    seen.send_in_bulk([ADA, 3, 4])
    seen.send([4])
    assert not _about(seen)
    seen.send([ADA])
    assert _about(seen)
