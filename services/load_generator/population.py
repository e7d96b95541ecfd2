"""Who lives in the simulated fediverse: servers by name, actors on them, and their documents."""

from collections.abc import Collection
from typing import Literal

from msgspec import Struct, json

from services.load_generator.keys import KeyRing

CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"]
DOMAIN = "sim.localhost"
"""Names under it mean loopback to a resolver that allows private peers."""


class SimulatedActor(Struct, frozen=True, kw_only=True):
    """An actor of the simulation; `number` chooses its key, the same however many others there are."""

    number: int
    host: str
    username: str
    uri: str

    @property
    def key_id(self) -> str:
        """The id under which the actor's key is listed."""
        return f"{self.uri}#main-key"

    @property
    def inbox(self) -> str:
        """The actor's own inbox."""
        return f"{self.uri}/inbox"


Style = Literal["name", "port"]
"""Servers differ by a name under the domain, or, where names cannot be made up, by their port alone."""

MAX_NEWCOMERS = 200
"""Ports set apart for servers never heard of, where servers differ by port."""


class Population:
    """Servers and actors, all derived from their numbers: a million of them take no memory.

    Args:
        hosts: How many servers.
        actors_per_host: How many actors live on each.
        port: The port on which all of them are served; the first of several in the style `port`.
        keys: The keys that the actors share.
        domain: Where the servers' names lie.
        style: How servers differ.
        dead: Servers whose port nobody listens on.
        dead_port: That port.
        odd: Servers with a name for this run alone: a target remembers who behaved badly.
        run: Makes those, and servers never heard of, different from those of earlier runs.
        tag: Ends the actors' names: whoever has other keys is somebody else, for a target remembers keys.
    """

    def __init__(
        self,
        *,
        hosts: int,
        actors_per_host: int,
        port: int,
        keys: KeyRing,
        domain: str = DOMAIN,
        style: Style = "name",
        dead: Collection[int] = (),
        dead_port: int = 0,
        odd: Collection[int] = (),
        tag: str = "",
        run: str = "",
    ) -> None:
        self.hosts = hosts
        self.actors_per_host = actors_per_host
        self.port = port
        self.keys = keys
        self.domain = domain
        self.style = style
        self.run = run
        self._tag = f"-{tag}" if tag else ""
        self._dead = frozenset(dead)
        self._dead_port = dead_port
        self._odd = frozenset(odd)

    def __len__(self) -> int:
        return self.hosts * self.actors_per_host

    @property
    def ports(self) -> list[int]:
        """The ports to listen on, those of dead servers left out."""
        if self.style == "name":
            return [self.port]
        live = [self.port + number for number in range(self.hosts) if number not in self._dead]
        return live + [self.port + self.hosts + number for number in range(MAX_NEWCOMERS)]

    @property
    def dead_ports(self) -> list[int]:
        """The ports of dead servers."""
        if self.style == "port":
            return [self.port + number for number in sorted(self._dead)]
        return [self._dead_port] if self._dead else []

    def host(self, number: int) -> str:
        """Return name and port of a server."""
        number %= self.hosts
        if self.style == "port":
            return f"{self.domain}:{self.port + number}"
        port = self._dead_port if number in self._dead else self.port
        name = f"s{number:05d}-{self.run}" if number in self._odd else f"s{number:05d}"
        return f"{name}.{self.domain}:{port}"

    def host_number(self, host: str) -> int | None:
        """Return the number of a server by name and port; None for newcomers and strangers."""
        name, _, port = host.rpartition(":")
        if self.style == "port":
            number = int(port) - self.port if port.isdecimal() else -1
        else:
            place = name.partition(".")[0].partition("-")[0].removeprefix("s")
            number = int(place) if place.isdecimal() else -1
        return number if 0 <= number < self.hosts and self.host(number) == host else None

    def newcomer(self, number: int) -> SimulatedActor:
        """Return an actor on a server that no earlier run knew."""
        host = (
            f"{self.domain}:{self.port + self.hosts + number % MAX_NEWCOMERS}"
            if self.style == "port"
            else f"x{number:05d}-{self.run}.{self.domain}:{self.port}"
        )
        return self._at(host, f"x{number}-{self.run}", len(self) + number)

    def gone(self, number: int) -> SimulatedActor:
        """Return an actor whose document answers 410."""
        return self._at(self.host(number), f"gone{number}-{self.run}", number)

    def _at(self, host: str, username: str, number: int) -> SimulatedActor:
        return SimulatedActor(
            number=number, host=host, username=username, uri=f"http://{host}/users/{username}"
        )

    def actor(self, number: int) -> SimulatedActor:
        """Return an actor; neighbours in number live on different servers."""
        number %= len(self)
        server, place = number % self.hosts, number // self.hosts
        return self._at(self.host(server), f"u{place}{self._tag}", server * 7 + place)

    def find(self, host: str, username: str) -> SimulatedActor | None:
        """Return the actor of this name on this server, or None where nobody has it."""
        if username.startswith("x"):
            return self._find_newcomer(host, username)
        server, place = self.host_number(host), username.removeprefix("u").removesuffix(self._tag)
        if server is None or not place.isdecimal() or int(place) >= self.actors_per_host:
            return None
        actor = self.actor(int(place) * self.hosts + server)
        return actor if actor.username == username else None

    def _find_newcomer(self, host: str, username: str) -> SimulatedActor | None:
        number = username[1:].partition("-")[0]
        actor = self.newcomer(int(number)) if number.isdecimal() else None
        return actor if actor is not None and (actor.host, actor.username) == (host, username) else None

    def actor_document(self, actor: SimulatedActor) -> bytes:
        """Return the actor document as this server serves it."""
        return json.encode(
            {
                "@context": CONTEXT,
                "id": actor.uri,
                "type": "Person",
                "preferredUsername": actor.username,
                "name": f"Actor {actor.number}",
                "summary": "<p>Lives in a simulation.</p>",
                "url": f"http://{actor.host}/@{actor.username}",
                "inbox": actor.inbox,
                "outbox": f"{actor.uri}/outbox",
                "followers": f"{actor.uri}/followers",
                "following": f"{actor.uri}/following",
                "endpoints": {"sharedInbox": f"http://{actor.host}/inbox"},
                "publicKey": {
                    "id": actor.key_id,
                    "owner": actor.uri,
                    "publicKeyPem": self.keys.pair(actor.number).public_pem,
                },
            }
        )

    def webfinger(self, actor: SimulatedActor) -> bytes:
        """Return the WebFinger answer for the actor (RFC 7033)."""
        return json.encode(
            {
                "subject": f"acct:{actor.username}@{actor.host}",
                "aliases": [actor.uri],
                "links": [{"rel": "self", "type": "application/activity+json", "href": actor.uri}],
            }
        )
