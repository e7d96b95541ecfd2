"""What a case of `make bench` is, and where they are found."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from msgspec import Struct

from tests.bench import cases
from tests.bench.aims import Aim
from tests.infrastructure import Infrastructure

CPU_PER_ITEM = "CPU µs per item"


class Measured(Protocol):
    """The figures of one run, by component or by whatever else the case tells apart."""

    @property
    def figures(self) -> Mapping[str, float]:
        """What is printed, kept, and compared with the last time."""


class Figures(Struct, frozen=True):
    """The figures of a run that measures something else than CPU."""

    figures: dict[str, float]


class Measure(Protocol):
    """Runs a case."""

    async def __call__(self, infrastructure: Infrastructure, *, items: int, runs: int) -> Sequence[Measured]:
        """Return what each run measured."""


class Case(Struct, frozen=True, kw_only=True):
    """One thing that is measured.

    Args:
        name: How it is chosen on the command line.
        title: What an item is.
        measure: Measures it.
        unit: Of its figures.
        items: How many a run, unless told otherwise.
        runs: How often, unless told otherwise.
        order: Cases run and are shown in this order.
        by_default: Whether it runs when no case is chosen.
        aim: What it is to stay within, where that is said.
    """

    name: str
    title: str
    measure: Measure
    unit: str = CPU_PER_ITEM
    items: int = 3000
    runs: int = 3
    order: int = 100
    by_default: bool = True
    aim: Aim | None = None


@lru_cache(maxsize=1)
def all_cases() -> dict[str, Case]:
    """Return every case by name: the `CASE` of each module in `tests/bench/cases`."""
    modules = [
        importlib.import_module(f"{cases.__name__}.{module.name}")
        for module in pkgutil.iter_modules(cases.__path__)
    ]
    found: list[Case] = sorted((module.CASE for module in modules), key=lambda case: (case.order, case.name))
    return {case.name: case for case in found}
