"""The simulated fediverse as data: small enough to hand to every process of a run."""

from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from services.load_generator.characters import GOOD, NAMED, Cast, cast
from services.load_generator.keys import KeyRing, load_ring
from services.load_generator.population import DOMAIN, Population, Style
from services.load_generator.scenario import Fediverse

KEYS = 16
"""RSA keys, shared by all actors."""


class World(Struct, frozen=True, kw_only=True):
    """Who lives where, and where that is.

    `keys` is the file with the actors' keys, `port` where the servers listen, `dead_port` where nobody
    does, `run` keeps newcomers apart from those of other runs. `fresh` makes newcomers of all: a target
    remembers whom it could not reach once an earlier run was over.
    """

    fediverse: Fediverse
    seed: int
    run: str
    keys: str
    port: int
    dead_port: int
    domain: str = DOMAIN
    style: Style = "name"
    address: str = "127.0.0.1"
    fresh: bool = False

    def cast(self) -> Cast:
        """Return the characters of the servers."""
        names = cast(self.fediverse.shares, self.fediverse.hosts, self.seed)
        return Cast(names, NAMED | self.fediverse.characters)

    def ring(self) -> KeyRing:
        """Return the actors' keys; made and kept where they are not there yet."""
        return _ring(self.keys)

    def population(self) -> Population:
        """Return who lives there."""
        players = self.cast()
        odd = [number for number, name in enumerate(players.names) if self.fresh or name != GOOD]
        return Population(
            hosts=self.fediverse.hosts,
            actors_per_host=self.fediverse.actors_per_host,
            port=self.port,
            keys=self.ring(),
            domain=self.domain,
            style=self.style,
            dead=players.hosts(live=False),
            dead_port=self.dead_port,
            odd=odd,
            run=self.run,
            tag=self.ring().fingerprint,
        )


@lru_cache(maxsize=4)
def _ring(file: str) -> KeyRing:
    return load_ring(Path(file), KEYS)
