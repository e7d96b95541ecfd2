"""How simulated servers behave: well, slow, dead, dripping, gone, strict, and so on."""

import random
from collections.abc import Mapping, Sequence

from msgspec import Struct


class Character(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one server answers a POST to an inbox, and how it guards its documents.

    `latency` and `jitter` are seconds before the answer; `errors` is the share of requests answered with
    `status` instead of 202; `retry_after` are seconds that it asks for then. A `dead` server refuses
    connections, a `dripping` one sends its answer a byte a second. `strict` verifies each signature and
    answers 401 where it is wrong, `secure` shows its documents to signed requests only.
    """

    latency: float = 0.0
    jitter: float = 0.0
    errors: float = 0.0
    status: int = 503
    retry_after: int = 0
    dead: bool = False
    dripping: bool = False
    strict: bool = False
    secure: bool = False

    @property
    def accepts(self) -> bool:
        """Whether a delivery to it can be expected to arrive."""
        return not (self.dead or self.dripping or self.errors >= 1)

    @property
    def slow(self) -> bool:
        """Whether waiting for it says nothing about whoever waits."""
        return self.latency + self.jitter >= SLOW


SLOW = 1.0
"""Seconds."""
GOOD = "good"
NAMED: dict[str, Character] = {
    GOOD: Character(),
    "slow": Character(latency=2.0, jitter=3.0),
    "dead": Character(dead=True),
    "dripping": Character(dripping=True),
    "failing": Character(errors=1.0, status=500),
    "flaky": Character(errors=0.2, status=503),
    "gone": Character(errors=1.0, status=410),
    "limited": Character(errors=0.5, status=429, retry_after=2),
    "strict": Character(strict=True),
    "secure": Character(strict=True, secure=True),
}
"""What a scenario may name; it may define more of its own."""


def cast(shares: Mapping[str, float], hosts: int, seed: int) -> list[str]:
    """Return the name of each server's character: each has its share of the servers, the rest are good.

    A share that is not zero gets at least one server. The same seed gives the same cast.
    """
    names: list[str] = []
    for name, share in sorted(shares.items()):
        names += [name] * (max(1, round(share * hosts)) if share > 0 else 0)
    names = names[:hosts] + [GOOD] * max(0, hosts - len(names))
    random.Random(seed).shuffle(names)
    return names


class Cast:
    """The characters of all servers, by their number.

    Args:
        names: One for each server.
        characters: What the names mean.
    """

    def __init__(self, names: Sequence[str], characters: Mapping[str, Character]) -> None:
        self.names = tuple(names)
        self._characters = characters

    def of(self, host: int) -> Character:
        """Return the character of a server."""
        return self._characters[self.names[host]]

    def hosts(self, *, live: bool | None = None, accepting: bool | None = None) -> list[int]:
        """Return the servers that are live (not dead), or that accept deliveries, or all."""
        return [
            number
            for number in range(len(self.names))
            if (live is None or live != self.of(number).dead)
            and (accepting is None or accepting == self.of(number).accepts)
        ]


def everyone_good(hosts: int) -> Cast:
    """Return a cast in which all servers behave."""
    return Cast([GOOD] * hosts, NAMED)
