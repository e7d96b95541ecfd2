"""Suspended domains in the fast lane: asked about once a batch, and heard anew with the next one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from services.signature_verifier.fast_lane import FastLane
from services.signature_verifier.judge import Judge
from services.signature_verifier.keyring import Keyring, Refetches
from services.signature_verifier.verdicts import Refused, Verdicts
from shared.database.pool import Pool
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity, ReceivedRequest
from shared.resolution import DomainBlocks

GOOD, BAD = "good.example", "bad.example"


class _Blocks:
    """A list of suspended hosts that can be changed."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = set(hosts)
        self.asked: list[str] = []

    async def refresh(self) -> None:
        """Begin to count what is asked."""
        self.asked.clear()

    def __contains__(self, host: str) -> bool:
        self.asked.append(host)
        return host in self.hosts


class _NoKeys:
    async def find(self, key_ids: object) -> dict[str, object]:
        """Know none of them: what is not refused goes to the slow lane."""
        del key_ids
        return {}


class _Kept:
    """What became of each request."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.passed: list[str] = []

    async def accept(self, accepted: Sequence[AcceptedActivity]) -> None:
        assert not accepted

    async def unresolved(self, requests: Sequence[ReceivedRequest]) -> None:
        self.passed += [request.activity_id for request in requests]

    async def refuse(self, refused: Sequence[Refused]) -> None:
        assert {one.cause.reason for one in refused} <= {"domain_blocked"}
        self.refused += [one.request.activity_id for one in refused]


def _lane(blocks: _Blocks, kept: _Kept) -> FastLane:
    return FastLane(
        pool=cast("Pool", None),
        judge=Judge(LocalUris("https://ours.example")),
        keyring=cast("Keyring", _NoKeys()),
        refetches=Refetches(),
        blocks=cast("DomainBlocks", blocks),
        verdicts=cast("Verdicts", kept),
        uris=LocalUris("https://ours.example"),
    )


def _request(name: str, host: str, key_host: str) -> ReceivedRequest:
    return ReceivedRequest(
        method="POST",
        target="/inbox",
        headers=(("signature", f'keyId="https://{key_host}/u#key",signature="QUJD"'),),
        body=b"{}",
        received_at=datetime.now(UTC),
        trace=name,
        activity_id=f"https://{host}/{name}",
        activity_type="Like",
        actor=f"https://{host}/u",
    )


async def test_one_batch_judges_each_by_its_own_hosts() -> None:
    """Suspended is who acts or signs at a suspended host; who came before makes no difference."""
    blocks, kept = _Blocks(BAD), _Kept()
    batch = [
        _request("first", GOOD, GOOD),
        _request("by-bad", BAD, BAD),
        _request("signed-by-bad", GOOD, BAD),
        _request("by-bad-signed-by-good", BAD, GOOD),
        _request("last", GOOD, GOOD),
    ]
    await _lane(blocks, kept).judge(batch)
    assert kept.passed == [f"https://{GOOD}/first", f"https://{GOOD}/last"]
    assert len(kept.refused) == len(batch) - len(kept.passed)
    assert blocks.asked.count(GOOD) == 1


async def test_a_new_block_counts_from_the_next_batch_on() -> None:
    """A host that was let in is let in no more once it is suspended."""
    blocks, kept = _Blocks(), _Kept()
    lane = _lane(blocks, kept)
    await lane.judge([_request("before", GOOD, GOOD)])
    blocks.hosts.add(GOOD)
    await lane.judge([_request("after", GOOD, GOOD)])
    assert (kept.passed, kept.refused) == ([f"https://{GOOD}/before"], [f"https://{GOOD}/after"])
