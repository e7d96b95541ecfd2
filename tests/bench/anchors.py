"""What these cores are worth: known pieces of work, timed here, beside what they take on the reference cores.

A piece takes what the libraries take, and none of our own code. Where the reference names only what kind of
text went in, ours is of the same kind and size. So a single ratio may be off; the median of many is not far.
"""

import contextlib
import io
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import nh3
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from msgspec import Struct

from services.load_generator import payloads
from services.load_generator.population import SimulatedActor
from tests.bench.aims import RSA_SIGN
from tests.payloads.captured import document

ROUNDS: Final = 7
ROUND_SECONDS: Final = 0.015
"""CPU time of one anchor in one round, at least half of it."""

RSA: Final = "RSA-2048 sign"
_SIGNED: Final = b"(request-target): post /inbox\n" * 10
"""As long as what a request has signed."""

Work = Callable[[], object]


class Anchor(Struct, frozen=True):
    """A piece of work, and how many CPU microseconds it takes on the reference cores."""

    name: str
    there: float
    work: Work


class Ratio(Struct, frozen=True):
    """The CPU microseconds of one anchor on these cores and there, and how many times as many."""

    name: str
    here: float
    there: float
    ratio: float


class Cores(Struct, frozen=True, kw_only=True):
    """How slow these cores are beside the reference cores; a `Speed`.

    Signing with RSA stands apart: it uses what one core has for large numbers and the next one has not. All
    else is the median of the other ratios, and half of these are from `low` to `high`.
    """

    rsa: float
    other: float
    low: float
    high: float
    anchors: tuple[Ratio, ...]


def measure(
    anchors: Sequence[Anchor],
    *,
    rounds: int = ROUNDS,
    seconds: float = ROUND_SECONDS,
    clock: Callable[[], float] = time.thread_time,
) -> Cores:
    """Time each anchor in turn, some rounds, and take medians; one of them is `RSA`, and three are others.

    Args:
        anchors: What is timed.
        rounds: How often each gets its turn: what disturbs for a moment meets all of them.
        seconds: Of CPU time for one turn, roughly.
        clock: Tells the CPU time of this thread.
    """
    repeats = [_repeats(anchor.work, seconds, clock) for anchor in anchors]
    turns = [
        [_timed(anchor.work, count, clock) / count for anchor, count in zip(anchors, repeats, strict=True)]
        for _ in range(rounds)
    ]
    found = []
    for anchor, times in zip(anchors, zip(*turns, strict=True), strict=True):
        here = statistics.median(times) * 1e6
        found.append(Ratio(anchor.name, here, anchor.there, here / anchor.there))
    return cores_of(found)


def cores_of(found: Sequence[Ratio]) -> Cores:
    """Return what these ratios say of the cores."""
    [rsa] = [one.ratio for one in found if one.name == RSA]
    others = [one.ratio for one in found if one.name != RSA]
    low, middle, high = statistics.quantiles(others, n=4, method="inclusive")
    return Cores(rsa=rsa, other=middle, low=low, high=high, anchors=tuple(found))


def _repeats(work: Work, seconds: float, clock: Callable[[], float]) -> int:
    count = 1
    while _timed(work, count, clock) < seconds / 2:
        count *= 2
    return count


def _timed(work: Work, count: int, clock: Callable[[], float]) -> float:
    begin = clock()
    for _ in range(count):
        work()
    return clock() - begin


@contextlib.contextmanager
def known_anchors() -> Iterator[list[Anchor]]:
    """Yield every anchor, ready to be timed."""
    with Path(os.devnull).open("wb") as nowhere:
        yield [*_signatures(), *_keys(), *_documents(), *_texts(), *_lines(nowhere)]


def these_cores() -> Cores:
    """Return what this machine's cores are worth; takes two seconds, in which nothing else should run."""
    with known_anchors() as anchors:
        return measure(anchors)


def _signatures() -> list[Anchor]:
    padding, digest = PKCS1v15(), SHA256()
    rsa, ed25519 = generate_private_key(65537, 2048), Ed25519PrivateKey.generate()
    of_rsa, of_ed25519 = rsa.sign(_SIGNED, padding, digest), ed25519.sign(_SIGNED)
    public, public_ed25519 = rsa.public_key(), ed25519.public_key()
    return [
        Anchor(RSA, RSA_SIGN, lambda: rsa.sign(_SIGNED, padding, digest)),
        Anchor("RSA-2048 verify", 17, lambda: public.verify(of_rsa, _SIGNED, padding, digest)),
        Anchor("Ed25519 sign", 21, lambda: ed25519.sign(_SIGNED)),
        Anchor("Ed25519 verify", 71, lambda: public_ed25519.verify(of_ed25519, _SIGNED)),
    ]


def _keys() -> list[Anchor]:
    key = generate_private_key(65537, 2048).public_key()
    pem, der = (
        key.public_bytes(form, PublicFormat.SubjectPublicKeyInfo) for form in (Encoding.PEM, Encoding.DER)
    )
    return [
        Anchor("public key from PEM", 3.0, lambda: load_pem_public_key(pem)),
        Anchor("public key from DER", 1.2, lambda: load_der_public_key(der)),
    ]


class _Note(Struct, rename="camel"):
    id: str
    type: str
    published: str
    url: str
    attributed_to: str
    to: list[str]
    cc: list[str]
    content: str
    conversation: str | None = None
    summary: str | None = None
    in_reply_to: str | None = None
    sensitive: bool = False


class _Create(Struct):
    id: str
    type: str
    actor: str
    published: str
    to: list[str]
    cc: list[str]
    object: _Note


class _ThreeFields(Struct):
    id: str
    type: str
    actor: str


def _documents() -> list[Anchor]:
    uri = "https://mastodon.example/users/edith"
    edith = SimulatedActor(number=1, host="mastodon.example", username="edith", uri=uri)
    body = payloads.create(edith, "113870000000000001", mention="https://loom.example/users/1")
    typed, three = msgspec.json.Decoder(_Create), msgspec.json.Decoder(_ThreeFields)
    return [
        Anchor("Create, json", 9.3, lambda: json.loads(body)),
        Anchor("Create, msgspec typed", 2.1, lambda: typed.decode(body)),
        Anchor("Create, msgspec, three fields", 1.1, lambda: three.decode(body)),
    ]


def _texts() -> list[Anchor]:
    text = msgspec.json.decode(document("mastodon", "create-public"), type=_Create).object.content
    cleaner = nh3.Cleaner()
    return [
        Anchor("nh3, new options", 22, lambda: nh3.clean(text)),
        Anchor("nh3, one Cleaner", 14, lambda: cleaner.clean(text)),
    ]


def _lines(nowhere: BinaryIO) -> list[Anchor]:
    """A line of three fields beside time, level, event and what is bound."""
    encode = msgspec.json.Encoder().encode
    fields = {
        "trace": "5b1a" * 8,
        "host": "mastodon.example",
        "key": "https://mastodon.example/users/edith#main-key",
    }
    text, binary = (
        structlog.wrap_logger(
            logger,
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                render,
            ],
            wrapper_class=structlog.make_filtering_bound_logger("info"),
        ).bind(service="bench")
        for logger, render in (
            (structlog.PrintLogger(io.TextIOWrapper(nowhere)), structlog.processors.JSONRenderer()),
            (structlog.BytesLogger(nowhere), lambda _logger, _method, event: encode(event)),
        )
    )
    return [
        Anchor("log line, JSON", 8.3, lambda: text.info("request_verified", **fields)),
        Anchor("log line, bytes", 5.1, lambda: binary.info("request_verified", **fields)),
    ]
