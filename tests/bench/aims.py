"""What a figure is to stay within, on the reference cores and on these, and whether it does."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

RSA_SIGN = 233.0
"""CPU microseconds of one RSA-2048 signature on the reference cores."""


class Speed(Protocol):
    """How slow some cores are beside the reference cores: 2.0 where the same takes twice the CPU time."""

    @property
    def rsa(self) -> float:
        """At a signature of RSA-2048."""

    @property
    def other(self) -> float:
        """At everything else."""


class Aim(Struct, frozen=True, kw_only=True):
    """What one figure of a case is to stay within.

    Args:
        most: The most that it may be; of CPU time, on the reference cores.
        rsa: How much of that its RSA signatures take there.
        figure: Which figure of the case.
        cpu: Whether the figure is CPU time; what is not, is the same on all cores.
        items: With how many items alone it is meant, where they change the figure.
    """

    most: float
    rsa: float = 0.0
    figure: str = "total"
    cpu: bool = True
    items: int | None = None

    def on(self, cores: Speed) -> float:
        """Return the most that the figure may be on these cores."""
        if not self.cpu:
            return self.most
        return self.rsa * cores.rsa + (self.most - self.rsa) * cores.other


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether a figure stays within its aim: the most it may be on the reference cores, and on these."""

    figure: str
    measured: float
    there: float
    here: float
    held: bool


def judge(aim: Aim | None, figures: Mapping[str, float], cores: Speed, *, items: int) -> Verdict | None:
    """Return the verdict on the figures of so many items a run; None where no aim is meant for them."""
    if aim is None or aim.items not in {None, items}:
        return None
    measured, here = figures[aim.figure], aim.on(cores)
    return Verdict(figure=aim.figure, measured=measured, there=aim.most, here=here, held=measured <= here)
