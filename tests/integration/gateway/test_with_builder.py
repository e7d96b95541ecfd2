"""What people do here, applied by the timeline builder afterwards: both halves together are the whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from services.timeline_builder.apply import apply_batch
from shared.database import own_posts, statuses
from shared.database.statuses import NewBoost
from shared.protocol.objects import Visibility
from shared.queue.topology import ACTIVITY_ACCEPTED
from tests.integration.gateway.running import RunningGateway


@contextmanager
def built(site: RunningGateway) -> Iterator[None]:
    """Have the builder apply, twice, what is done meanwhile; only afterwards, as if it had been slow."""
    with site.outbox() as sent:
        yield
    items = [message.item for message in sent if message.queue == ACTIVITY_ACCEPTED]
    for _ in range(2):
        site.run(apply_batch(site.gateway.pool, site.gateway.site, items))


def told(site: RunningGateway, name: str) -> list[tuple[str, str]]:
    """Return kind and account of somebody's notifications."""
    return [(one.type, one.account.acct) for one in site.client(name).notifications()]


def fresh(site: RunningGateway, *names: str, **options: bool) -> None:
    """Make accounts for one test."""
    for name in names:
        site.account(name, **options)


def test_a_post_reaches_followers_and_those_named(site: RunningGateway) -> None:
    """A post stands in the followers' home timelines, whom it names is told, and it is counted once."""
    fresh(site, "writer", "fan", "named")
    writer, fan = site.client("writer"), site.client("fan")
    with built(site):
        fan.account_follow(writer.me().id)
        post = writer.status_post("@named look")
    assert fan.timeline_home()[0].id == post.id
    assert told(site, "named") == [("mention", "writer")]
    assert told(site, "writer") == [("follow", "fan")]
    assert (writer.me().statuses_count, writer.me().followers_count) == (1, 1)
    with built(site):
        writer.status_delete(post.id)
    assert fan.timeline_home() == []
    assert told(site, "named") == []
    assert writer.me().statuses_count == 0


def test_deletions_made_here_take_few_statements(site: RunningGateway) -> None:
    """Applying a batch of local Deletes costs seven statements, however many there are."""
    fresh(site, "tidy")
    tidy = site.client("tidy")
    posts = [tidy.status_post(f"short-lived {number}") for number in range(10)]
    with site.outbox() as sent:
        for post in posts:
            tidy.status_delete(post.id)
    items = [message.item for message in sent if message.queue == ACTIVITY_ACCEPTED]
    site.run(apply_batch(site.gateway.pool, site.gateway.site, items[:2]))  # the driver has met everything
    with site.counting_queries() as queries:
        site.run(apply_batch(site.gateway.pool, site.gateway.site, items[2:]))
    assert len(queries) <= 7


def test_a_boost_of_what_was_deleted_goes_too(site: RunningGateway) -> None:
    """A boost that came in while its post was being deleted goes with the Delete, home timelines included."""
    fresh(site, "hasty", "late")
    hasty, late = site.client("hasty"), site.author("late")
    boost_id = site.gateway.site.ids.next()
    with built(site):
        post = hasty.status_post("gone in a moment")
        hasty.status_delete(post.id)
        boost = NewBoost(
            id=boost_id,
            uri=f"{site.origin}/boosts/{boost_id}",
            local=True,
            actor_id=late.id,
            reblog_of_id=int(post.id),
            conversation_id=int(post.id),
            visibility=Visibility.PUBLIC,
            created_at=datetime.now(UTC),
        )
        site.db(lambda conn: statuses.insert_boosts(conn, [boost]))
        site.db(lambda conn: own_posts.show_own(conn, late.id, boost_id))
    assert site.value("SELECT deleted_at IS NOT NULL FROM statuses WHERE id = $1", boost_id)
    assert site.value("SELECT count(*) FROM home_timeline WHERE status_id = $1", boost_id) == 0


def test_a_like_taken_back_and_given_again_stays(site: RunningGateway) -> None:
    """Like, unlike and like again, all before the builder saw any of it, ends as liked, and told once."""
    fresh(site, "poster", "liker")
    liker = site.client("liker")
    post = site.client("poster").status_post("like me")
    with built(site):
        liker.status_favourite(post.id)
        liker.status_unfavourite(post.id)
        liker.status_favourite(post.id)
    assert (liker.status(post.id).favourited, liker.status(post.id).favourites_count) == (True, 1)
    assert told(site, "poster") == [("favourite", "liker")]


def test_what_is_taken_back_is_told_of_no_more(site: RunningGateway) -> None:
    """Like, boost and follow, each taken back before the builder saw it, leave nothing behind."""
    fresh(site, "unbothered", "fickle")
    fickle, unbothered = site.client("fickle"), site.client("unbothered")
    post = unbothered.status_post("nothing to see")
    with built(site):
        fickle.status_favourite(post.id)
        fickle.status_unfavourite(post.id)
        fickle.status_reblog(post.id)
        fickle.status_unreblog(post.id)
        fickle.account_follow(unbothered.me().id)
        fickle.account_unfollow(unbothered.me().id)
    assert told(site, "unbothered") == []
    shown = fickle.status(post.id)
    assert (shown.favourites_count, shown.reblogs_count) == (0, 0)
    assert unbothered.me().followers_count == 0


def test_a_follow_taken_back_and_given_again_stays(site: RunningGateway) -> None:
    """Follow, unfollow and follow again, all before the builder saw any of it, ends as followed."""
    fresh(site, "idol", "admirer")
    admirer, idol = site.client("admirer"), site.client("idol")
    with built(site):
        for _ in range(2):
            admirer.account_unfollow(idol.me().id)
            admirer.account_follow(idol.me().id)
    assert admirer.account_relationships(idol.me().id)[0].following
    assert (idol.me().followers_count, admirer.me().following_count) == (1, 1)
    assert told(site, "idol") == [("follow", "admirer")]


def test_a_boost_taken_back_and_given_again_stays(site: RunningGateway) -> None:
    """Boost, undo and boost again, all before the builder saw any of it, ends as boosted once."""
    fresh(site, "original", "booster", "onlooker")
    booster, onlooker = site.client("booster"), site.client("onlooker")
    post = site.client("original").status_post("boost me")
    with built(site):
        onlooker.account_follow(booster.me().id)
        booster.status_reblog(post.id)
        booster.status_unreblog(post.id)
        boost = booster.status_reblog(post.id)
    assert [status.id for status in onlooker.timeline_home()] == [boost.id]
    assert booster.status(post.id).reblogs_count == 1
    assert told(site, "original") == [("reblog", "booster")]


def test_a_block_lifted_and_set_again_stays(site: RunningGateway) -> None:
    """Block, unblock and block again, all before the builder saw any of it, ends as blocked."""
    fresh(site, "blocker", "pest")
    blocker, pest = site.client("blocker"), site.client("pest")
    with built(site):
        pest.account_follow(blocker.me().id)
        blocker.account_block(pest.me().id)
        blocker.account_unblock(pest.me().id)
        blocker.account_block(pest.me().id)
    assert blocker.account_relationships(pest.me().id)[0].blocking
    assert not pest.account_relationships(blocker.me().id)[0].following
    assert blocker.me().followers_count == 0
    assert told(site, "blocker") == []


def test_a_request_is_told_and_answered(site: RunningGateway) -> None:
    """Who asks to follow a locked account is told of; let in, they see its posts for followers."""
    fresh(site, "guarded", locked=True)
    fresh(site, "guest")
    guarded, guest = site.client("guarded"), site.client("guest")
    post = guarded.status_post("for followers", visibility="private")
    with built(site):
        guest.account_follow(guarded.me().id)
    assert told(site, "guarded") == [("follow_request", "guest")]
    with built(site):
        guarded.follow_request_authorize(guest.me().id)
    assert told(site, "guarded") == []
    assert [status.id for status in guest.timeline_home()] == [post.id]
    assert guarded.me().followers_count == 1


def test_an_edit_tells_those_who_boosted(site: RunningGateway) -> None:
    """Who boosted a post learns that it was changed."""
    fresh(site, "editor", "sharing")
    editor, sharing = site.client("editor"), site.client("sharing")
    post = editor.status_post("frist")
    with built(site):
        sharing.status_reblog(post.id)
        editor.status_update(post.id, "first")
    assert told(site, "sharing") == [("update", "editor")]
