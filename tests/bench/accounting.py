"""CPU time by component, read from /proc: the one figure that a noisy machine does not spoil."""

from collections.abc import Mapping
from dataclasses import dataclass

import psutil


def tree_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and all its descendants, those that ended included."""
    try:
        root = psutil.Process(pid)
        times = root.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in root.children(recursive=True):
            total += _seconds(child)
    except psutil.NoSuchProcess:
        return 0.0
    return total


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def tree_bytes(pid: int) -> int:
    """Return the private memory (USS) of a process and its descendants, in bytes."""
    try:
        root = psutil.Process(pid)
        return sum(_private(one) for one in [root, *root.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


def _private(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.NoSuchProcess:
        return 0


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a number of items cost: CPU microseconds per item, by component."""

    items: int
    micros: Mapping[str, float]

    @property
    def total(self) -> float:
        """CPU microseconds per item of all components."""
        return sum(self.micros.values())

    @property
    def figures(self) -> dict[str, float]:
        """What is shown: each component, and the total."""
        return {**self.micros, "total": self.total}


class Meter:
    """Reads the CPU time of components twice and tells what lies between.

    Args:
        pids: The processes of each component; each is counted with its descendants.
    """

    def __init__(self, pids: Mapping[str, list[int]]) -> None:
        self._pids = pids
        self._start = self._read()

    def _read(self) -> dict[str, float]:
        return {name: sum(tree_seconds(pid) for pid in pids) for name, pids in self._pids.items()}

    def cost(self, items: int) -> Cost:
        """Return the cost of this many items since the meter was made."""
        now = self._read()
        return Cost(
            items=items,
            micros={name: (now[name] - self._start[name]) / items * 1e6 for name in now},
        )
