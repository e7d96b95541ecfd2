"""What cores are worth beside the reference cores."""

from functools import partial

import pytest

from tests.bench.anchors import RSA, Anchor, Ratio, cores_of, known_anchors, measure


class Clock:
    """CPU time that passes as the test says, not as the machine does."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the CPU time of this thread, in seconds."""
        return self.now


def ratio(name: str, times: float) -> Ratio:
    """Return an anchor that takes so many times what it takes on the reference cores."""
    return Ratio(name, 10 * times, 10, times)


def test_rsa_stands_apart_from_the_median_of_all_else() -> None:
    """A core that is slow at signatures is not called slow, and one odd ratio moves nothing."""
    cores = cores_of([ratio("a", 2.0), ratio(RSA, 7.0), ratio("b", 2.5), ratio("odd", 90.0), ratio("c", 1.0)])
    assert cores.rsa == 7.0
    assert cores.other == 2.25
    assert (cores.low, cores.high) == (1.75, 24.375)


def test_each_anchor_is_timed_in_the_median_of_its_rounds() -> None:
    """What disturbs one round is left out; the CPU time of one piece of work is told in microseconds."""
    clock, signed = Clock(), 0

    def work(seconds: float) -> None:
        clock.now += seconds

    def sign() -> None:
        nonlocal signed
        signed += 1
        work(1.0 if signed == 4 else 466e-6)

    anchors = [
        Anchor(RSA, 233, sign),
        *(Anchor(f"anchor {times}", 1.0, partial(work, times * 1e-6)) for times in (2, 3, 4)),
    ]
    cores = measure(anchors, rounds=3, seconds=466e-6, clock=clock)
    assert [one.here for one in cores.anchors] == pytest.approx([466, 2, 3, 4])
    assert [one.ratio for one in cores.anchors] == pytest.approx([2, 2, 3, 4])
    assert (cores.rsa, cores.other) == pytest.approx((2, 3))


def test_the_known_anchors_do_their_work() -> None:
    """Each can be timed on the machine at hand, and takes a time."""
    with known_anchors() as anchors:
        cores = measure(anchors, rounds=1, seconds=1e-4)
    assert len({one.name for one in cores.anchors}) == len(anchors)
    assert all(one.here > 0 for one in cores.anchors)
    assert cores.low <= cores.other <= cores.high
