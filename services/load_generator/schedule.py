"""When to send: times fixed before the start (open loop), whatever the target does.

A rate is a line through points of (second, requests per second): two points make a ramp, many a day. The
n-th request is due when the area under the line reaches n; for Poisson arrivals the gaps in that area are
exponential.
"""

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

Arrivals = Literal["constant", "poisson"]
Points = Sequence[tuple[float, float]]


def times(points: Points, arrivals: Arrivals, seed: int) -> list[float]:
    """Return the seconds from the start at which requests are due, in order.

    Args:
        points: (second, requests per second), seconds increasing; the last one ends the run.
        arrivals: Even gaps, or those of independent senders.
        seed: Makes Poisson arrivals repeatable.
    """
    chance = random.Random(seed)
    found: list[float] = []
    wanted = 0.5 if arrivals == "constant" else chance.expovariate(1.0)
    area = 0.0
    for (start, low), (end, high) in pairwise(points):
        length = end - start
        whole = length * (low + high) / 2
        while wanted <= area + whole:
            found.append(start + _reach(wanted - area, low, (high - low) / length))
            wanted += 1.0 if arrivals == "constant" else chance.expovariate(1.0)
        area += whole
    return found


def _reach(area: float, rate: float, slope: float) -> float:
    """Return when the area under a line that starts at `rate` and rises by `slope` a second is reached."""
    if abs(slope) < 1e-12:  # noqa: PLR2004 - as good as level
        return area / rate
    return (math.sqrt(max(0.0, rate * rate + 2 * slope * area)) - rate) / slope


def level(rate: float, seconds: float) -> list[tuple[float, float]]:
    """Return the points of an unchanging rate."""
    return [(0.0, rate), (seconds, rate)]


def scaled(points: Points, *, rate: float | None, seconds: float | None) -> list[tuple[float, float]]:
    """Return the same shape with another mean rate or another length."""
    length, total = points[-1][0], area_of(points)
    stretch = seconds / length if seconds else 1.0
    factor = rate / (total / length) if rate else 1.0
    return [(second * stretch, value * factor) for second, value in points]


def area_of(points: Points) -> float:
    """Return how many requests the points ask for."""
    return sum((end - start) * (low + high) / 2 for (start, low), (end, high) in pairwise(points))


def rate_at(points: Points, second: float) -> float:
    """Return the rate at a second; 0 before the first point and after the last one."""
    for (start, low), (end, high) in pairwise(points):
        if start <= second <= end:
            return low + (high - low) * (second - start) / (end - start)
    return 0.0
