"""Flag: reports of other servers."""

from services.timeline_builder.handlers.report import MAX_OPEN
from services.timeline_builder.work import Outcome
from shared.database import domain_blocks
from shared.database.domain_blocks import DomainBlock
from shared.protocol.activities import Flag
from shared.protocol.identifiers import host_of
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage
from tests.integration.builder.test_reactions import local_post


def flag(who: Person, *objects: str, number: int = 1) -> Flag:
    """Return a report of these actors and posts."""
    return Flag(id=f"{who.uri}#flag-{number}", actor=who.uri, objects=objects, content="spam")


async def stored(stage: Stage, who: Person) -> list[tuple[int, list[str], str]]:
    """Return what somebody reported: whom, which posts, and why."""
    rows = await stage.pool.fetch(
        "SELECT target_id, status_uris, comment FROM reports WHERE actor_id = $1 ORDER BY target_id", who.id
    )
    return [(row["target_id"], row["status_uris"], row["comment"]) for row in rows]


async def test_report_is_kept_for_the_operators(stage: Stage) -> None:
    """A report names the person and their posts, once however often it comes; nobody else learns of it."""
    ada, edith = await stage.here(), await stage.away()
    post = await local_post(stage, ada)
    report = flag(edith, ada.uri, post, "https://elsewhere.example/1")
    assert await stage.apply(report, report) == [Outcome.APPLIED, Outcome.REPEATED]
    assert await stored(stage, edith) == [(ada.id, [post], "spam")]
    assert await stage.told(ada) == []


async def test_posts_alone_report_their_authors(stage: Stage) -> None:
    """A report that names only posts is about each of their authors."""
    ada, grace, edith = await stage.here(), await stage.here(), await stage.away()
    one, other = await local_post(stage, ada), await local_post(stage, grace)
    await stage.apply(flag(edith, one, other))
    assert await stored(stage, edith) == [(ada.id, [one], "spam"), (grace.id, [other], "spam")]


async def test_report_about_nobody_here_is_let_go(stage: Stage) -> None:
    """A report of people or posts elsewhere, or of this site's own actor, is not kept."""
    edith, other = await stage.away(), await stage.away()
    instance = stage.site.uris.instance_actor
    assert await stage.apply(flag(edith, other.uri, instance)) == [Outcome.UNCONCERNED]
    assert await stored(stage, edith) == []


async def test_reports_of_a_domain_can_be_refused(stage: Stage) -> None:
    """Nothing is kept of a domain whose reports the operator does not want."""
    ada, edith = await stage.here(), await stage.away()
    async with stage.pool.acquire() as conn:
        block = DomainBlock(domain=host_of(edith.uri), severity="silence", reject_reports=True)
        await domain_blocks.put(conn, [block])
    assert await stage.apply(flag(edith, ada.uri)) == [Outcome.BLOCKED]
    assert await stored(stage, edith) == []


async def test_one_reporter_cannot_bury_the_others(stage: Stage) -> None:
    """Of one actor so many unresolved reports are kept and no more; resolving them makes room."""
    ada, edith = await stage.here(), await stage.away()
    outcomes = await stage.apply(*(flag(edith, ada.uri, number=n) for n in range(MAX_OPEN + 1)))
    assert outcomes == [Outcome.APPLIED] * MAX_OPEN + [Outcome.NOT_PERMITTED]
    await stage.pool.execute("UPDATE reports SET resolved_at = now() WHERE actor_id = $1", edith.id)
    assert await stage.apply(flag(edith, ada.uri, number=MAX_OPEN + 1)) == [Outcome.APPLIED]


async def test_stranger_reports_nothing(stage: Stage) -> None:
    """A report by an actor who is not known here has no effect."""
    ada = await stage.here()
    report = parsed.accepted(flag(Person(1, "https://nobody.example/u", ""), ada.uri))
    assert await stage.apply(report) == [Outcome.UNKNOWN_ACTOR]
