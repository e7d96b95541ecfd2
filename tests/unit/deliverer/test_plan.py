"""Whom an activity is meant for, and how it is cut into messages."""

import pytest
from msgspec.structs import replace

from services.fanout_deliverer.outgoing import MAX_TARGETS, portions_of
from services.fanout_deliverer.plan import audience_of, by_author, plan_deliveries, recall_only, subject_of
from shared.database.delivery_plans import Destination, SentActivity
from shared.protocol.activities import Activity
from shared.protocol.identifiers import PUBLIC, host_of
from shared.protocol.reader import read_activity
from shared.queue.topology import shard_of
from tests.builders import parsed, wire

ADA = "https://loom.example/users/1"
FOLLOWERS = f"{ADA}/followers"
NORA = "https://birch.example/users/nora"


def _post(**changes: object) -> Activity:
    return parsed.create(parsed.note(ADA, cc=(FOLLOWERS,)), **changes)


def test_public_post_goes_to_followers_and_the_named() -> None:
    """A post goes to followers and to those it names; the public and its author are nobody to send to."""
    reach = audience_of(_post(to=(PUBLIC, NORA, ADA)), FOLLOWERS)
    assert (reach.followers, reach.named, reach.personal) == (True, (NORA,), False)


def test_audience_is_told_as_well() -> None:
    """Whom only `audience` names, a group for instance, is sent the activity, as `to` and `cc` are."""
    group = "https://birch.example/c/weaving"
    document = wire.activity("Like", ADA, object=f"{NORA}/1", to=[NORA], cc=[FOLLOWERS], audience=group)
    reach = audience_of(read_activity(wire.encode(document)), FOLLOWERS)
    assert reach.followers
    assert {NORA, group} <= set(reach.named)


def test_direct_post_goes_to_the_named_only() -> None:
    """A post to one person goes to nobody else."""
    reach = audience_of(_post(to=(NORA,), cc=()), FOLLOWERS)
    assert (reach.followers, reach.named) == (False, (NORA,))


def test_public_reply_goes_to_the_author_of_what_it_answers() -> None:
    """A public reply reaches the author it answers, one to followers only those it names."""
    parent = "https://birch.example/notes/1"
    note = parsed.note(ADA, in_reply_to=parent, cc=(FOLLOWERS,))
    assert audience_of(parsed.create(note), FOLLOWERS).named == (parent,)
    private = parsed.create(replace(note, to=(FOLLOWERS,), cc=()))
    assert audience_of(private, FOLLOWERS).named == ()


@pytest.mark.parametrize(
    "activity",
    [
        parsed.follow(ADA, NORA),
        parsed.accept(parsed.follow(NORA, ADA)),
        parsed.like(NORA, ADA),
        parsed.block(NORA, ADA),
        parsed.undo(parsed.follow(ADA, NORA)),
    ],
)
def test_what_is_between_two_goes_to_the_own_inbox(activity: Activity) -> None:
    """What concerns one other actor goes to that actor's own inbox, whether addressed or not."""
    reach = audience_of(activity, FOLLOWERS)
    assert (reach.named, reach.personal, reach.followers) == ((NORA,), True, False)


def test_undo_of_a_share_goes_where_the_share_went() -> None:
    """The Undo of a share reaches the followers, and whoever was told of the share."""
    share = parsed.announce(NORA, ADA)
    reach = audience_of(parsed.undo(share, cc=(FOLLOWERS,)), FOLLOWERS)
    assert (reach.followers, reach.recalls, reach.personal) == (True, True, False)
    assert reach.subject == subject_of(share)


def test_delete_finds_what_the_create_told() -> None:
    """Create, Update and Delete of a post have one subject, so that the last finds whom the first reached."""
    note = parsed.note(ADA)
    about: list[Activity] = [parsed.create(note), parsed.update(note), parsed.delete(note.id, ADA)]
    assert {subject_of(activity) for activity in about} == {note.id}
    assert [audience_of(activity, FOLLOWERS).recalls for activity in about] == [False, True, True]


def test_account_that_does_not_federate_may_only_take_back() -> None:
    """Without federation nothing goes out but what takes back, and only to those who were told."""
    assert recall_only(audience_of(_post(), FOLLOWERS)) is None
    delete = parsed.delete("https://loom.example/objects/1", ADA, to=(PUBLIC, NORA), cc=(FOLLOWERS,))
    reach = recall_only(audience_of(delete, FOLLOWERS))
    assert reach is not None
    assert (reach.followers, reach.named, reach.recalls) == (False, (), True)


def test_deleted_account_is_recalled_everywhere() -> None:
    """The Delete of an account goes to every server that got anything of it."""
    assert audience_of(parsed.delete(ADA, ADA), FOLLOWERS).recalls_all
    assert not audience_of(parsed.delete(f"{ADA}/1", ADA), FOLLOWERS).recalls_all


def _sent() -> SentActivity:
    return SentActivity(
        uri=f"{ADA}#1",
        type="Create",
        actor_id=1,
        subject=f"{ADA}/1",
        body=b"{}",
        trace="",
        created_at=parsed.WHEN,
    )


def test_every_inbox_is_in_its_hosts_shard_once() -> None:
    """Each inbox is planned exactly once, in the shard of its host, in messages of bounded size."""
    inboxes = [f"https://host{number}.example/inbox" for number in range(5000)]
    shards = plan_deliveries(
        _sent(), [Destination(inbox=inbox, shared=True) for inbox in inboxes], MAX_TARGETS, {}
    )
    planned = [
        (shard, target.inbox)
        for shard, messages in shards.items()
        for message in messages
        for target in message.targets
    ]
    assert sorted(inbox for _, inbox in planned) == sorted(inboxes)
    assert all(shard == shard_of(host_of(inbox)) for shard, inbox in planned)
    assert max(len(message.targets) for messages in shards.values() for message in messages) <= MAX_TARGETS


def test_small_deliveries_share_a_message() -> None:
    """Deliveries of a shard travel together, in order, with no more inboxes than one message may have."""
    (messages,) = plan_deliveries(
        _sent(), [Destination(inbox="https://birch.example/inbox", shared=True)] * 100, 30, {}
    ).values()
    portions = portions_of(messages)
    assert [message for portion in portions for message in portion] == messages
    assert [sum(len(message.targets) for message in portion) for portion in portions] == [60, 40]


def test_who_did_least_is_planned_first() -> None:
    """A storm of one author is behind what came with it, and everybody's own order is kept."""
    ben, cleo = "https://loom.example/users/2", "https://loom.example/users/3"
    storm = [parsed.accepted(_post(id=f"{ADA}/{number}")) for number in range(3)]
    passed_on = [replace(parsed.accepted(_post(id=f"{NORA}/1")), passed_on_by=ben)]
    own = [
        parsed.accepted(_post(id=f"{ben}/1", actor=ben)),
        parsed.accepted(_post(id=f"{cleo}/1", actor=cleo)),
    ]
    planned = by_author([storm[0], *passed_on, storm[1], own[0], storm[2], own[1]])
    assert planned == [own[1], passed_on[0], own[0], *storm]
