"""What the processes of a run tell each other: length-prefixed MessagePack over pipes.

Times are on the monotonic clock, which all processes of a machine share.
"""

import asyncio
import sys
from typing import TypeVar

import msgspec
from msgspec import Struct

from services.load_generator.plan import LocalPost, Person
from services.load_generator.scenario import Traffic
from services.load_generator.simulated_servers import Arrived
from services.load_generator.world import World

_LENGTH = 4
MAX_FRAME = 64 << 20
_PIPE_LIMIT = 1 << 20


class Job(Struct, frozen=True, kw_only=True, tag=True):
    """What one generator process does: its share of a plan, sent to one address.

    `part` of `parts` takes every parts-th step. `ahead` is how many requests are signed before the start
    and kept in store after it. `roll_call` is the rate at which every actor posts once, instead of the
    traffic. `begun` is the Unix time at which the run began.
    """

    world: World
    traffic: Traffic
    seed: int
    begun: float
    prefix: str
    people: list[Person]
    posts: list[LocalPost]
    shared_inbox: str
    address: str
    port: int
    tls_name: str = ""
    part: int = 0
    parts: int = 1
    signers: int = 1
    ahead: int = 100_000
    roll_call: float = 0.0


class Serve(Struct, frozen=True, kw_only=True, tag=True):
    """Serve the simulated fediverse; `keys_of` is the origin whose signatures are verified."""

    world: World
    keys_of: str
    address: str = ""
    port: int = 0


class Ready(Struct, frozen=True, kw_only=True, tag=True):
    """The process can start; `planned` are the requests of its part."""

    planned: int = 0


class Start(Struct, frozen=True, kw_only=True, tag=True):
    """Begin at this time."""

    at: float


class Stop(Struct, frozen=True, kw_only=True, tag=True):
    """Send nothing more, tell what is known, end."""


class Outage(Struct, frozen=True, kw_only=True, tag=True):
    """From now on this share of the servers answers 503; 0 ends it."""

    share: float


class Act(Struct, frozen=True, kw_only=True, tag=True):
    """From now on the servers behave as their characters say; before, all are good."""


class Outcome(Struct, frozen=True, array_like=True):
    """What came of one step: status 0 is no answer; `seconds` count from its scheduled time.

    `late` is how long after that time the process turned to it: the process' own fault, never the target's.
    """

    index: int
    status: int
    scheduled: float
    seconds: float
    late: float


class Progress(Struct, frozen=True, kw_only=True, tag=True):
    """What happened since the last word. `cpu` are CPU seconds so far, `starved` waits for a signature."""

    outcomes: list[Outcome] = []
    arrivals: list[Arrived] = []
    requests: dict[str, int] = {}
    cpu: float = 0.0
    starved: int = 0
    in_flight: int = 0


class Done(Struct, frozen=True, kw_only=True, tag=True):
    """The last word of a process."""


Message = Job | Serve | Ready | Start | Stop | Act | Outage | Progress | Done
M = TypeVar("M", bound=Message)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


class Closed(Exception):
    """The other side of the pipe is gone."""


async def read(reader: asyncio.StreamReader) -> Message:
    """Return the next message; raises Closed."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH))
        if length > MAX_FRAME:
            raise Closed(f"a message of {length} bytes")
        return _decoder.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Closed("the process has ended") from error


async def expect(reader: asyncio.StreamReader, kind: type[M]) -> M:
    """Return the next message, which has to be of this kind; raises Closed."""
    message = await read(reader)
    if not isinstance(message, kind):
        raise Closed(f"{type(message).__name__} came where {kind.__name__} was due")
    return message


def write(writer: asyncio.StreamWriter, message: Message) -> None:
    """Send a message; it leaves when the loop gets to it."""
    body = _encoder.encode(message)
    writer.write(len(body).to_bytes(_LENGTH) + body)


async def standard_streams() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return this process' standard input and output as streams."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_PIPE_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout.buffer)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
