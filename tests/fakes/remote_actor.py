"""The people on a fake server: their documents in the shapes of the servers they stand for."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.fakes.signing import (
    Outgoing,
    PrivateKey,
    Signing,
    ed25519_key,
    multibase,
    pem,
    rsa_key,
    signed_headers,
    with_proof,
)

if TYPE_CHECKING:
    from tests.fakes.remote_host import Answer, RemoteHost

Json = dict[str, object]
AS2 = "https://www.w3.org/ns/activitystreams"
PUBLIC = f"{AS2}#Public"
_SECURITY = "https://w3id.org/security/v1"


@dataclass(frozen=True)
class Flavour:
    """How one kind of server names things; `{name}` is the user's name.

    `secure` is the status that an unsigned GET of an actor or a post is answered with, 0 to serve it, 200 to
    serve an actor without what it says of itself.
    """

    actor: str
    inbox: str
    key: str
    shared_inbox: str = "/inbox"
    secure: int = 0


FLAVOURS: Mapping[str, Flavour] = {
    "mastodon": Flavour("/users/{name}", "/users/{name}/inbox", "/users/{name}#main-key"),
    # The key has a document of its own, the only one that is served to anybody; no shared inbox.
    "gotosocial": Flavour("/users/{name}", "/users/{name}/inbox", "/users/{name}/main-key", "", secure=401),
    # A trailing slash, and 404 for unsigned requests.
    "threads": Flavour(
        "/ap/users/{name}/", "/ap/users/{name}/inbox/", "/ap/users/{name}/#main-key", "/ap/inbox/", secure=404
    ),
    # A signature that it dislikes gets a stripped actor, with 200.
    "misskey": Flavour("/users/{name}", "/users/{name}/inbox", "/users/{name}#main-key", secure=200),
    "takahe": Flavour("/@{name}/", "/@{name}/inbox/", "/@{name}/#main-key", "/inbox"),
}


@dataclass(eq=False)
class RemoteActor:
    """Somebody on another server; made by `RemoteHost.actor`."""

    host: "RemoteHost"
    name: str
    flavour: Flavour
    locked: bool = False
    key_version: int = 1
    counter: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def id(self) -> str:
        """The actor's URI."""
        return self.host.origin + self.flavour.actor.format(name=self.name)

    @property
    def inbox(self) -> str:
        """The actor's own inbox."""
        return self.host.origin + self.flavour.inbox.format(name=self.name)

    @property
    def acct(self) -> str:
        """The handle without the first @."""
        return f"{self.name}@{self.host.authority}"

    @property
    def followers(self) -> str:
        """The URI of the followers collection."""
        return f"{self.id.rstrip('/')}/followers"

    @property
    def key_id(self) -> str:
        """The URI of the RSA key."""
        return self.host.origin + self.flavour.key.format(name=self.name)

    @property
    def ed25519_key_id(self) -> str:
        """The URI of the Ed25519 key."""
        return f"{self.id}#ed25519-key"

    @property
    def rsa(self) -> PrivateKey:
        """The RSA key; another one after `rotate_key`."""
        return rsa_key(f"{self.name}/{self.key_version}")

    def rotate_key(self) -> None:
        """Replace the RSA key, as a server does after a breach."""
        self.key_version += 1
        self.host.serve_actor(self)

    def public_key(self) -> Json:
        """Return the `publicKey` of the actor document."""
        return {"id": self.key_id, "owner": self.id, "publicKeyPem": pem(self.rsa)}

    def document(self) -> Json:
        """Return the actor document."""
        document: Json = {
            "@context": [AS2, _SECURITY, {"manuallyApprovesFollowers": "as:manuallyApprovesFollowers"}],
            "id": self.id,
            "type": "Person",
            "preferredUsername": self.name,
            "name": self.name.capitalize(),
            "summary": "<p>Made of test data</p>",
            "url": f"{self.host.origin}/@{self.name}",
            "inbox": self.inbox,
            "outbox": f"{self.id.rstrip('/')}/outbox",
            "followers": self.followers,
            "following": f"{self.id.rstrip('/')}/following",
            "manuallyApprovesFollowers": self.locked,
            "discoverable": True,
            "published": "2024-02-01T00:00:00Z",
            "publicKey": self.public_key(),
            "assertionMethod": [
                {
                    "id": self.ed25519_key_id,
                    "type": "Multikey",
                    "controller": self.id,
                    "publicKeyMultibase": multibase(ed25519_key(self.name)),
                }
            ],
        }
        if self.flavour.shared_inbox:
            document["endpoints"] = {"sharedInbox": self.host.origin + self.flavour.shared_inbox}
        return document

    def uri(self, kind: str = "activities") -> str:
        """Return a fresh URI on the actor's host."""
        return f"{self.host.origin}/{kind}/{self.name}-{next(self.counter)}"

    def note(self, content: str = "<p>Hello</p>", *, serve: bool = True, **parts: object) -> Json:
        """Return a public note of this actor, served under its id; `parts` replace or add properties."""
        identifier = self.uri("notes")
        note: Json = {
            "id": identifier,
            "type": "Note",
            "attributedTo": self.id,
            "content": content,
            "published": _now(),
            "url": identifier,
            "to": [PUBLIC],
            "cc": [self.followers],
        }
        note |= parts
        if serve:
            self.host.serve({"@context": AS2, **note}, secure=self.flavour.secure)
        return note

    def create(self, note: Json | None = None, **parts: object) -> Json:
        """Return a Create of a note."""
        note = note or self.note()
        addressed = {"to": note.get("to", []), "cc": note.get("cc", [])}
        return self.activity("Create", note, id=f"{note['id']}/activity", **{**addressed, **parts})

    def activity(self, kind: str, target: object, **parts: object) -> Json:
        """Return an activity of this actor; `parts` replace or add properties."""
        activity: Json = {"@context": AS2, "id": self.uri(), "type": kind, "actor": self.id, "object": target}
        return activity | {"published": _now()} | parts

    def proven(self, document: Json, **options: object) -> Json:
        """Return a document with this actor's integrity proof; `options` replace parts of the proof."""
        return with_proof(document, self.ed25519_key_id, ed25519_key(self.name), **options)

    async def deliver(self, activity: Json | bytes, inbox: str, how: Signing | str = "cavage") -> "Answer":
        """Post an activity to an inbox, signed by this actor; see `Signing` for how to sign it badly."""
        body = activity if isinstance(activity, bytes) else self.host.encode(activity)
        return await self.host.post(inbox, body, self.signed("POST", inbox, body, how))

    def signed(
        self, method: str, url: str, body: bytes | None, how: Signing | str = "cavage"
    ) -> dict[str, str]:
        """Return the headers of a request that this actor signs; `how` may be `ed25519`."""
        request = Outgoing(method, url, body)
        if how == "ed25519":
            signing = Signing(scheme="rfc9421")
            return signed_headers(signing, request, self.ed25519_key_id, ed25519_key(self.name))
        signing = Signing(scheme=how) if isinstance(how, str) else how
        return signed_headers(signing, request, self.key_id, self.rsa)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def addressed(activity: Json) -> Sequence[object]:
    """Return everybody an activity is addressed to."""
    everybody: list[object] = []
    for name in ("to", "cc"):
        value = activity.get(name, [])
        everybody += value if isinstance(value, list) else [value]
    return everybody
