"""Quotes with consent (FEP-044f): stamps are read where they are at home."""

from collections.abc import Callable

import pytest

from shared.protocol.activities import Create
from tests.fakes.remote_actor import AS2, Json, RemoteActor
from tests.integration.verifier.running import RunningVerifier


def stamp(author: RemoteActor, quoting: object, quoted: object, **changes: object) -> Json:
    """Return a stamp of the author, served under its id."""
    document: Json = {
        "@context": AS2,
        "id": author.uri("stamps"),
        "type": "QuoteAuthorization",
        "attributedTo": author.id,
        "interactingObject": quoting,
        "interactionTarget": quoted,
        **changes,
    }
    author.host.serve(document)
    return document


async def judged(verifier: RunningVerifier, actor: RemoteActor, create: Json) -> tuple[bool, list[str]]:
    """Return whether the quote in a post counts as confirmed, and what was fetched for it."""
    await verifier.deliver(actor, create)
    (accepted,) = await verifier.until_accepted(create["id"])
    assert isinstance(accepted.activity, Create)
    return accepted.activity.note.quote_confirmed, [note.id for note in accepted.fetched]


async def test_stamp_is_read_at_its_server_and_the_quoted_post_along(verifier: RunningVerifier) -> None:
    """A quote counts where the quoted author's server bears it out; what is quoted comes along."""
    nora = verifier.world.remote.host("birch").actor("nora")
    olga = verifier.world.remote.host("ash").actor("olga")
    quoted = olga.note()
    note = nora.note(serve=False, quote=quoted["id"])
    note["quoteAuthorization"] = stamp(olga, note["id"], quoted["id"])["id"]
    assert await judged(verifier, nora, nora.create(note)) == (True, [quoted["id"]])


@pytest.mark.parametrize("case", ["for another", "of another", "elsewhere", "missing", "by another server"])
async def test_stamp_that_does_not_fit_costs_only_the_quote(verifier: RunningVerifier, case: str) -> None:
    """A stamp for another post, of another post, not there or not the author's: the post comes without."""
    nora = verifier.world.remote.host("birch").actor("nora")
    olga = verifier.world.remote.host("ash").actor("olga")
    quoted, other = olga.note(), olga.note()
    note = nora.note(serve=False, quote=quoted["id"])
    stamps: dict[str, Callable[[], object]] = {
        "for another": lambda: stamp(olga, f"{note['id']}/2", quoted["id"])["id"],
        "of another": lambda: stamp(olga, note["id"], other["id"])["id"],
        "elsewhere": lambda: stamp(nora, note["id"], quoted["id"], attributedTo=olga.id)["id"],
        "missing": lambda: olga.uri("stamps"),
        "by another server": lambda: stamp(olga, note["id"], quoted["id"], attributedTo=nora.id)["id"],
    }
    note["quoteAuthorization"] = stamps[case]()
    assert await judged(verifier, nora, nora.create(note)) == (False, [])
