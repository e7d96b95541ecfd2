"""Times are fixed beforehand: as many as the rate says, spread as the arrivals say, the same for a seed."""

import statistics
from itertools import pairwise

import pytest

from services.load_generator.schedule import area_of, level, scaled, times


def test_constant_arrivals_are_even() -> None:
    """Ten a second for two seconds are twenty times, a tenth of a second apart."""
    found = times(level(10, 2), "constant", seed=1)
    assert len(found) == 20
    assert {round(later - earlier, 9) for earlier, later in pairwise(found)} == {0.1}


def test_poisson_gaps_are_exponential() -> None:
    """Mean and deviation of the gaps are both one over the rate."""
    found = times(level(100, 100), "poisson", seed=1)
    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert statistics.mean(gaps) == pytest.approx(0.01, rel=0.05)
    assert statistics.stdev(gaps) == pytest.approx(0.01, rel=0.08)


def test_a_ramp_has_its_area() -> None:
    """From 0 to 100 a second in ten seconds makes 500, three quarters of them in the second half."""
    found = times([(0, 0), (10, 100)], "constant", seed=1)
    assert len(found) == 500
    assert sum(at > 5 for at in found) == pytest.approx(375, abs=1)
    assert found == sorted(found)


def test_the_same_seed_is_the_same_run() -> None:
    """A seed repeats every time; another one does not."""
    line = [(0.0, 5.0), (3.0, 50.0), (9.0, 1.0)]
    assert times(line, "poisson", 7) == times(line, "poisson", 7)
    assert times(line, "poisson", 7) != times(line, "poisson", 8)


def test_a_shape_can_be_stretched() -> None:
    """Another mean rate and another length keep the shape."""
    line = scaled([(0, 10), (5, 30), (10, 10)], rate=100, seconds=20)
    assert line[-1][0] == 20
    assert area_of(line) == pytest.approx(2000)
    assert line[1][1] / line[0][1] == pytest.approx(3)
