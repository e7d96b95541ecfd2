"""Who lives in the simulated fediverse: servers by name, actors on them, and their documents."""

from msgspec import Struct, json

from services.load_generator.keys import KeyRing

CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"]
DOMAIN = "sim.localhost"
"""Names under it mean loopback to a resolver that allows private peers."""


class SimulatedActor(Struct, frozen=True, kw_only=True):
    """An actor of the simulation; `number` counts over all servers."""

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


class Population:
    """Servers and actors, all derived from their numbers: a million of them take no memory.

    Args:
        hosts: How many servers.
        actors_per_host: How many actors live on each.
        port: The loopback port on which all of them are served.
        keys: The keys that the actors share.
    """

    def __init__(self, *, hosts: int, actors_per_host: int, port: int, keys: KeyRing) -> None:
        self.hosts = hosts
        self.actors_per_host = actors_per_host
        self.port = port
        self.keys = keys

    def __len__(self) -> int:
        return self.hosts * self.actors_per_host

    def host(self, number: int) -> str:
        """Return name and port of a server."""
        return f"s{number % self.hosts:05d}.{DOMAIN}:{self.port}"

    def actor(self, number: int) -> SimulatedActor:
        """Return an actor; neighbours in number live on different servers."""
        number %= len(self)
        host = self.host(number)
        username = f"u{number // self.hosts}"
        return SimulatedActor(
            number=number, host=host, username=username, uri=f"http://{host}/users/{username}"
        )

    def find(self, host: str, username: str) -> SimulatedActor | None:
        """Return the actor of this name on this server, or None where nobody has it."""
        try:
            server = int(host.split(".", 1)[0].removeprefix("s"))
            place = int(username.removeprefix("u"))
        except ValueError:
            return None
        if not (0 <= server < self.hosts and 0 <= place < self.actors_per_host):
            return None
        actor = self.actor(place * self.hosts + server)
        return actor if (actor.host, actor.username) == (host, username) else None

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
