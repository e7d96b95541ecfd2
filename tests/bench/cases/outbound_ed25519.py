"""The same to hosts that are known to take Ed25519."""

from functools import partial

from tests.bench.aims import Aim
from tests.bench.cases import outbound
from tests.bench.registry import Case

CASE = Case(
    name="outbound_ed25519",
    title="delivery to a distinct host that takes Ed25519, warm",
    measure=partial(outbound.measure, ed25519=True),
    order=21,
    aim=Aim(most=160),
)
