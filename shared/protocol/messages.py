"""The three messages that travel between the services, and how a batch of them is written as bytes.

Encoded as MessagePack: `[version, [item, ...]]`, 1 to `MAX_ITEMS` items, all of one type. Decoding is
strict: an unknown version or a wrong shape is `Malformed`, never a guess.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from shared.protocol.activities import Activity
from shared.protocol.errors import Malformed
from shared.protocol.objects import Note

VERSION = 1
MAX_ITEMS = 64


class ReceivedRequest(Struct, frozen=True, kw_only=True):
    """A request at an inbox as it came in: nothing has been judged but its form.

    `target` is path and query as sent; `headers` are (lower-case name, value) pairs in order, limited to
    those that may be signed; `received_at` is UTC and the moment against which signatures are judged.
    `address` is the peer's IP address; `attempt` counts from 1 how often its key was looked for.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    received_at: datetime
    trace: str
    activity_id: str
    activity_type: str
    actor: str
    address: str = ""
    attempt: int = 1


class AcceptedActivity(Struct, frozen=True, kw_only=True):
    """An activity that is known to be its actor's own: verified, or made here.

    `body` is the wire form (JSON), kept for local ones because it is what gets sent, and for remote ones
    only where it may have to be forwarded. `digest` is the SHA-256 of the body, 16 bytes of it, where the
    id alone does not tell one from another: Updates may reuse theirs. `fetched` are objects that were
    fetched from their own origin because this activity needs them (the post of an Announce, or one that is
    quoted); their authors are stored already. `passed_on_by` is the local actor in whose name a remote one
    is passed on to others as it is (inbox forwarding), else empty.
    """

    activity: Activity
    local: bool
    received_at: datetime
    trace: str
    digest: bytes = b""
    body: bytes = b""
    fetched: tuple[Note, ...] = ()
    passed_on_by: str = ""


class Target(Struct, frozen=True, kw_only=True):
    """Where one POST goes: an inbox and whether it is the host's shared one; `attempt` counts from 1.

    `released` marks what was parked before: it is sent although other deliveries to its host are held.
    `followers` is the digest of the author's followers there (FEP-8fcf), where what is sent is for followers
    only; else it is empty.
    """

    inbox: str
    shared: bool = False
    attempt: int = 1
    released: bool = False
    followers: bytes = b""


class Delivery(Struct, frozen=True, kw_only=True):
    """One activity for many inboxes of one shard. Carries no key: `actor_id` names who signs."""

    activity_id: str
    activity_type: str
    actor_id: int
    body: bytes
    targets: tuple[Target, ...]
    created_at: datetime
    trace: str


Message = ReceivedRequest | AcceptedActivity | Delivery
T = TypeVar("T", bound=Message)

_encoder = msgspec.msgpack.Encoder()


class Codec(Generic[T]):
    """Reads and writes batches of one message type.

    Args:
        item_type: `ReceivedRequest`, `AcceptedActivity` or `Delivery`.
    """

    def __init__(self, item_type: type[T]) -> None:
        self.item_type = item_type
        self._decoder = msgspec.msgpack.Decoder(tuple[int, list[item_type]])  # type: ignore[valid-type]

    def encode(self, items: Sequence[T]) -> bytes:
        """Return the bytes of one queue message with these items."""
        if not 1 <= len(items) <= MAX_ITEMS:
            raise ValueError(f"a message carries 1 to {MAX_ITEMS} items, not {len(items)}")
        return _encoder.encode((VERSION, items))

    def decode(self, payload: bytes) -> list[T]:
        """Return the items of one queue message; raises Malformed."""
        try:
            version, items = self._decoder.decode(payload)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise Malformed(f"queue message of {len(payload)} bytes: {error}") from error
        if version != VERSION or not items:
            raise Malformed(f"queue message of version {version} with {len(items)} items")
        return items
