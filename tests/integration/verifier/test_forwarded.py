"""What one server passes on for another, with an integrity proof of its author in it (FEP-8b32)."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.protocol.activities import Create, Delete
from tests.fakes.remote_actor import Json, RemoteActor
from tests.integration.verifier.running import RunningVerifier

THREAD = "https://thread.example/1"


@pytest.fixture
def nora(verifier: RunningVerifier) -> RemoteActor:
    """Return the author."""
    return verifier.world.remote.host("birch").actor("nora")


@pytest.fixture
def mallory(verifier: RunningVerifier) -> RemoteActor:
    """Return who passes things on, from another host."""
    return verifier.world.remote.host("ash").actor("mallory")


def reply_of(nora: RemoteActor, **parts: object) -> Json:
    """Return the Create of a reply that its own server does not serve: only its proof speaks for it."""
    return nora.create(nora.note("<p>Mine</p>", serve=False, inReplyTo=THREAD, **parts))


async def test_a_proof_lets_a_forwarded_reply_stand(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """A reply with its author's proof is taken as it is, and the post is not fetched."""
    reply = nora.proven(reply_of(nora))
    await verifier.deliver(mallory, reply)
    (accepted,) = await verifier.until_accepted(reply["id"])
    assert isinstance(accepted.activity, Create)
    assert accepted.activity.note.content == "<p>Mine</p>"
    assert not [path for path in nora.host.fetched if path.startswith("/notes")]


async def test_a_proof_lets_a_forwarded_deletion_stand(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """The deletion of a post is believed of another server where its author proves it, and only there."""
    bare = nora.activity("Delete", nora.uri("notes"))
    proven = nora.proven(nora.activity("Delete", nora.uri("notes")))
    await verifier.deliver(mallory, bare)
    await verifier.deliver(mallory, proven)
    (accepted,) = await verifier.until_accepted(proven["id"])
    assert isinstance(accepted.activity, Delete)
    assert (await verifier.until_refused(bare["id"])).reason == "signer_not_actor"


async def test_a_proof_counts_once_however_it_is_wrapped(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """What a proof leaves out may be changed on the way; the activity is known as the same one."""
    reply = nora.proven(reply_of(nora))
    again = reply | {"signature": {"type": "RsaSignature2017", "signatureValue": "x"}}
    await verifier.deliver(mallory, reply)
    (first,) = await verifier.until_accepted(reply["id"])
    verifier.accepted.clear()
    await verifier.deliver(mallory, again)
    (second,) = await verifier.until_accepted(reply["id"])
    assert first.digest == second.digest


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("changed", "proof_invalid"),
        ("made by another", "signer_not_actor"),
        ("by another of the same host", "signer_not_actor"),
        ("old", "proof_out_of_window"),
        ("for another purpose", "proof_malformed"),
        ("of another's post", "attributed_elsewhere"),
    ],
)
async def test_a_proof_that_does_not_fit_is_refused(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor, how: str, reason: str
) -> None:
    """A proof of another actor, another time or another document proves nothing, and nothing replaces it."""
    olaf = nora.host.actor("olaf")
    forged: dict[str, Json] = {
        "changed": nora.proven(reply_of(nora)) | {"published": "2020-01-01T00:00:00Z"},
        "made by another": mallory.proven(reply_of(nora)),
        "by another of the same host": olaf.proven(reply_of(nora)),
        "old": nora.proven(reply_of(nora), created=(datetime.now(UTC) - timedelta(days=8)).isoformat()),
        "for another purpose": nora.proven(reply_of(nora), proofPurpose="authentication"),
        "of another's post": nora.proven(reply_of(nora, attributedTo=olaf.id)),
    }
    await verifier.deliver(mallory, forged[how])
    assert (await verifier.until_refused(forged[how]["id"])).reason == reason
    assert not [path for path in nora.host.fetched if path.startswith("/notes")]
