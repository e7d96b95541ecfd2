"""A page of 40 entries of a home timeline through the client API, out of ten million entries."""

from functools import partial

from tests.bench.aims import Aim
from tests.bench.registry import Case
from tests.bench.timelines import measure_home

CASE = Case(
    name="home-10m",
    title="GET /api/v1/timelines/home?limit=40, of ten million entries",
    measure=partial(measure_home, entries=10_000_000),
    items=600,
    order=41,
    by_default=False,
    aim=Aim(most=1500),
)
