"""The same for a million followers on 20,000 servers: memory is what counts."""

from functools import partial

from tests.bench.cases import plan
from tests.bench.registry import Case

CASE = Case(
    name="plan_1m",
    title="plan of one post to so many followers, fifty on each server",
    measure=partial(plan.measure, followers_per_host=50),
    unit="as said",
    items=1_000_000,
    runs=1,
    order=23,
    by_default=False,
)
