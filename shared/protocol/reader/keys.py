"""Public keys as actors and key documents list them."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from shared.protocol.key_formats import read_multikey, read_pem
from shared.protocol.objects import PublicKey
from shared.protocol.reader import limits
from shared.protocol.reader.values import Wire, objects, string, uri
from shared.protocol.wire import decode

_LISTS: Final = ("publicKey", "assertionMethod")


class KeyDocument(Struct, frozen=True, kw_only=True):
    """What stands at a key's own address: whom it says it belongs to, and the keys in it.

    The owner is a claim: only the actor document of that id can confirm it.
    """

    owner: str | None
    keys: tuple[PublicKey, ...] = ()


def read_key_owner(document: bytes) -> KeyDocument:
    """Read what a key id led to: a key alone, an actor, or a stub of one (GoToSocial); raises Malformed."""
    wire = decode(document)
    if "publicKeyPem" in wire or "publicKeyMultibase" in wire:
        found = [_key(wire, "")]
    else:
        found = list(_listed(wire, uri(wire)))
    keys = tuple(key for key in found if key)
    owner = keys[0].owner if keys else uri(wire.get("owner") or wire.get("controller"))
    return KeyDocument(owner=owner or None, keys=keys)


def keys_of(wire: Wire, actor: str) -> tuple[PublicKey, ...]:
    """Return the keys that an actor document lists as the actor's own; those it cannot read are left out."""
    own = {key.id: key for key in _listed(wire, actor) if key and key.owner == actor}
    return tuple(own.values())


def _listed(wire: Wire, actor: str) -> Iterator[PublicKey | None]:
    for name in _LISTS:
        for entry in objects(wire.get(name), limits.KEYS):
            yield _key(entry, actor)


def _key(wire: Wire, actor: str) -> PublicKey | None:
    identifier = uri(wire)
    claimed = wire.get("owner") or wire.get("controller")
    owner = uri(claimed) if claimed else actor
    pem, multibase = wire.get("publicKeyPem"), wire.get("publicKeyMultibase")
    found = read_pem(pem) if isinstance(pem, str) else read_multikey(string(multibase))
    if not identifier or not owner or found is None:
        return None
    algorithm, der = found
    return PublicKey(id=identifier, owner=owner, algorithm=algorithm, der=der)
