"""Follow: somebody asks to follow somebody here, or somebody here has begun to follow."""

from collections.abc import Sequence

from services.timeline_builder import emit
from services.timeline_builder.effects import Run
from services.timeline_builder.work import Outcome, Work
from shared.database import blocks, follows, relays
from shared.database.follows import FollowRow, FollowState
from shared.database.standing import Standing
from shared.protocol.activities import Follow

Pair = tuple[int, int]


class _Request:
    """A Follow that may take effect, with both of its sides."""

    def __init__(self, work: Work[Follow], follower: Standing, followee: Standing) -> None:
        self.work = work
        self.follower = follower
        self.followee = followee
        self.pair: Pair = (follower.id, followee.id)

    def row(self, row_id: int) -> FollowRow:
        state = FollowState.REQUESTED if self.followee.locked else FollowState.ACCEPTED
        uri = self.work.activity.id
        return FollowRow(
            id=row_id, uri=uri, follower_id=self.follower.id, followee_id=self.followee.id, state=state
        )


async def apply(run: Run, works: Sequence[Work[Follow]]) -> None:
    """Store follows of local accounts, let followers in where the account is open, tell the account."""
    works = await _without_relays(run, works)
    requests = [request for work in works if (request := _judge(run, work)) is not None]
    if not requests:
        return
    requests = await _without_blocked(run, requests)
    arriving = [request for request in requests if not request.work.local]
    known = await _store(run, arriving)
    if others := [request.pair for request in requests if request.pair not in known]:
        known |= await follows.between(run.conn, others)
    await _rename(run, arriving, known)
    for request in requests:
        row = known.get(request.pair)
        if row is None:
            # Taken back meanwhile, or its id belongs to another follow.
            request.work.outcome = Outcome.UNKNOWN_OBJECT
        else:
            _carry_on(run, request, row)


async def _store(run: Run, arriving: Sequence[_Request]) -> dict[Pair, FollowRow]:
    """Store and count these, unless they are there already; return those that are new."""
    rows = {request.pair: request.row(run.site.ids.next()) for request in arriving}
    if not rows:
        return {}
    new = await follows.insert(run.conn, list(rows.values()))
    for pair in new:
        if rows[pair].state is FollowState.ACCEPTED:
            run.counts.follow(*pair)
    return {pair: rows[pair] for pair in new}


async def _without_relays(run: Run, works: Sequence[Work[Follow]]) -> list[Work[Follow]]:
    """Let in the relays that follow the site back (LitePub), without a row; return the other Follows."""
    own = run.site.uris.instance_actor
    asking = {work.activity.actor for work in works if not work.local and work.activity.object == own}
    site = run.facts.actor(own)
    subscribed = await relays.subscribed(run.conn, asking) if asking and site is not None else set()
    others: list[Work[Follow]] = []
    for work in works:
        activity, relay = work.activity, run.facts.actor(work.activity.actor)
        if site is None or relay is None or relay.uri not in subscribed or activity.object != own:
            others.append(work)
        elif run.facts.undone(activity.id, activity.actor):
            work.outcome = Outcome.UNDONE
        else:
            emit.accept_follow(run, site, relay, activity.id, work.accepted.trace)
    return others


def _judge(run: Run, work: Work[Follow]) -> _Request | None:
    activity = work.activity
    follower, followee = run.facts.actor(activity.actor), run.facts.actor(activity.object)
    if follower is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif run.facts.undone(activity.id, activity.actor):
        work.outcome = Outcome.UNDONE
    elif followee is None:
        work.outcome = Outcome.UNKNOWN_OBJECT
    elif work.local:
        # Of a remote account: its server answers.
        return _Request(work, follower, followee) if followee.local else None
    elif not _may_be_followed(run, followee) or follower.id == followee.id:
        work.outcome = Outcome.NOT_PERMITTED
    else:
        return _Request(work, follower, followee)
    return None


def _may_be_followed(run: Run, followee: Standing) -> bool:
    return followee.local and followee.federated and followee.uri != run.site.uris.instance_actor


async def _without_blocked(run: Run, requests: list[_Request]) -> list[_Request]:
    pairs = [request.pair for request in requests]
    blocked = await blocks.existing(run.conn, [*pairs, *((b, a) for a, b in pairs)])
    allowed: list[_Request] = []
    for request in requests:
        follower, followee = request.pair
        if (followee, follower) in blocked and not request.work.local:
            activity = request.work.activity
            trace = request.work.accepted.trace
            emit.reject_follow(run, request.followee, request.follower, activity.id, trace)
        if blocked & {(followee, follower), (follower, followee)}:
            request.work.outcome = Outcome.BLOCKED
        else:
            allowed.append(request)
    return allowed


async def _rename(run: Run, requests: Sequence[_Request], known: dict[Pair, FollowRow]) -> None:
    """Keep the latest id of a follow that was asked for again: answers and Undo name it."""
    changed = {
        request.pair: request.work.activity.id
        for request in requests
        if request.pair in known and known[request.pair].uri != request.work.activity.id
    }
    if changed:
        await follows.rename(run.conn, changed)


def _carry_on(run: Run, request: _Request, row: FollowRow) -> None:
    follower, followee = request.follower, request.followee
    if row.state is FollowState.REQUESTED:
        run.tell(followee.id, "follow_request", follower.id)
        return
    run.tell(followee.id, "follow", follower.id)
    if follower.local:
        run.extend(follower.id)
    else:
        work = request.work
        emit.accept_follow(run, followee, follower, work.activity.id, work.accepted.trace)
