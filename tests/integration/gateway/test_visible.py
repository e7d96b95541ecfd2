"""The rule of visibility stands twice, for one post in Python and for many in SQL: both say the same."""

from functools import partial
from itertools import product

from shared.database import blocks, follows, status_names
from shared.database.blocks import BlockRow
from shared.database.follows import FollowRow, FollowState
from shared.database.pool import Connection
from shared.database.status_names import NewMention
from shared.database.visible import visible_to
from shared.policy.visibility import STRANGER, Viewer, may_see
from shared.protocol.objects import Visibility
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway


def test_sql_and_policy_agree(site: RunningGateway) -> None:
    """For every visibility and everything a viewer can be to a post, the query answers as the policy does."""
    cases = product(Visibility, product((False, True), repeat=3))
    for number, (visibility, facts) in enumerate(cases):
        author = remote_actor(site, f"author{number}", "v.example")
        viewer = remote_actor(site, f"viewer{number}", "v.example")
        post = remote_post(site, author, "x", visibility)
        site.db(partial(_relate, viewer=viewer, author=author, post=post, facts=facts))

        def sees(who: int | None, post: int = post) -> bool:
            return post in site.db(lambda conn: visible_to(conn, who, [post]))

        follower, mentioned, blocked = facts
        known = Viewer(follows=follower, mentioned=mentioned, blocked=blocked)
        assert sees(viewer) is may_see(visibility, known), (visibility, known)
        assert sees(author)
        assert sees(None) is may_see(visibility, STRANGER)


async def _relate(conn: Connection, *, viewer: int, author: int, post: int, facts: tuple[bool, ...]) -> None:
    follower, mentioned, blocked = facts
    if follower:
        row = FollowRow(
            id=post,
            uri=f"https://v.example/f/{post}",
            follower_id=viewer,
            followee_id=author,
            state=FollowState.ACCEPTED,
        )
        await follows.insert(conn, [row])
    if mentioned:
        mention = NewMention(status_id=post, actor_uri=f"https://v.example/{viewer}", actor_id=viewer)
        await status_names.insert_mentions(conn, [mention])
    if blocked:
        block = BlockRow(id=post, uri=f"https://v.example/b/{post}", actor_id=author, target_id=viewer)
        await blocks.insert(conn, [block])
