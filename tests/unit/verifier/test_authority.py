"""Who may say what, as rules without a network."""

import pytest
from msgspec.structs import replace

from services.signature_verifier.authority import (
    NotItself,
    NotTheAuthor,
    ObjectElsewhere,
    SignerNotActor,
    check_contents,
    check_signer,
    may_be_forwarded,
)
from shared.protocol.activities import Activity, UpdateActor
from shared.protocol.errors import Rejected
from tests.builders import parsed

NORA = "https://birch.example/users/nora"
OLGA = "https://ash.example/users/olga"


@pytest.mark.parametrize(
    "activity",
    [
        parsed.create(parsed.note(NORA)),
        parsed.update(parsed.note(NORA)),
        parsed.delete("https://birch.example/notes/1", NORA),
        parsed.like("https://ash.example/notes/1", NORA),
        parsed.announce("https://ash.example/notes/1", NORA),
        UpdateActor(id=f"{NORA}#update", actor=NORA, profile=parsed.profile(NORA)),
    ],
)
def test_own_matters_are_ones_own(activity: Activity) -> None:
    """An actor may post, edit and delete its own, and like and share what is others'."""
    check_signer(activity, NORA)
    check_contents(activity)


@pytest.mark.parametrize(
    ("activity", "refusal"),
    [
        (parsed.create(parsed.note(OLGA), actor=NORA), NotTheAuthor),
        (parsed.update(replace(parsed.note(NORA), attributed_to=OLGA)), NotTheAuthor),
        (parsed.create(parsed.note(NORA, id="https://ash.example/notes/1")), ObjectElsewhere),
        (parsed.delete("https://ash.example/notes/1", NORA), ObjectElsewhere),
        (UpdateActor(id=f"{NORA}#update", actor=NORA, profile=parsed.profile(OLGA)), NotItself),
    ],
)
def test_others_matters_are_refused(activity: Activity, refusal: type[Rejected]) -> None:
    """An actor may neither write, edit, delete nor describe in another's name."""
    actor = replace(activity, actor=NORA) if not isinstance(activity, UpdateActor) else activity
    with pytest.raises(refusal):
        check_contents(actor)


def test_signature_of_another_is_refused() -> None:
    """A signature binds its signer only."""
    with pytest.raises(SignerNotActor):
        check_signer(parsed.create(parsed.note(NORA)), OLGA)


def test_only_what_servers_pass_on_may_come_by_another() -> None:
    """What servers pass on for others are replies, edits and deletions of posts; the rest is forged."""
    assert may_be_forwarded(parsed.create(parsed.note(NORA, in_reply_to="https://ash.example/notes/1")))
    assert may_be_forwarded(parsed.update(parsed.note(NORA)))
    assert may_be_forwarded(parsed.delete("https://birch.example/notes/1", NORA))
    assert not may_be_forwarded(parsed.create(parsed.note(NORA)))
    assert not may_be_forwarded(parsed.delete(NORA, NORA))
