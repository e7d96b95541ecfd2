"""A page of 40 entries of a home timeline through the client API, out of a million entries."""

from functools import partial

from tests.bench.aims import Aim
from tests.bench.registry import Case
from tests.bench.timelines import measure_home

CASE = Case(
    name="home",
    title="GET /api/v1/timelines/home?limit=40, of a million entries",
    measure=partial(measure_home, entries=1_000_000),
    items=600,
    order=40,
    aim=Aim(most=1500),
)
