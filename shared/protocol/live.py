"""What a committed change may show to people who are looking on: ids only, for whoever reads checks them.

Encoded as MessagePack: `[version, Live]`. It is told once, and lost where nobody listens.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from shared.protocol.errors import Malformed

VERSION = 1


class Live(Struct, frozen=True, kw_only=True):
    """Posts and boosts that are new, changed or gone, and notifications that were given.

    `filters` are accounts that have changed what they filter.
    """

    new: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    told: tuple[int, ...] = ()
    filters: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone or self.told or self.filters)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[int, Live])


def encode(live: Live) -> bytes:
    """Return the bytes of one message."""
    return _encoder.encode((VERSION, live))


def decode(payload: bytes) -> Live:
    """Return what one message says; raises Malformed."""
    try:
        version, live = _decoder.decode(payload)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Malformed(f"live message of {len(payload)} bytes: {error}") from error
    if version != VERSION:
        raise Malformed(f"live message of version {version}")
    return live


def together(several: Sequence[Live]) -> Live:
    """Return all of it as one, in order."""
    return Live(
        new=tuple(one for live in several for one in live.new),
        changed=tuple(one for live in several for one in live.changed),
        gone=tuple(one for live in several for one in live.gone),
        told=tuple(one for live in several for one in live.told),
        filters=tuple(one for live in several for one in live.filters),
    )
