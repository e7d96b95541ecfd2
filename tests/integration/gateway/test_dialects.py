"""What clients see of what other kinds of servers send."""

import json
import re
from typing import Any

import pytest

from services.timeline_builder.apply import apply_batch
from shared.database.actors import RemoteActor, upsert_remote
from shared.database.pool import Connection
from shared.protocol.activities import Create
from shared.protocol.identifiers import host_of
from shared.protocol.objects import ActorKind, ActorProfile
from shared.protocol.reader import read_activity
from tests.builders import parsed
from tests.integration.gateway.running import RunningGateway
from tests.unit.protocol.payloads import payload


def shown(site: RunningGateway, name: str) -> Any:
    """Have a payload come in from somebody whom @ada follows; return it as the API shows it to her."""
    activity = read_activity(payload(name))
    assert isinstance(activity, Create)
    profile = ActorProfile(
        id=activity.actor,
        kind=ActorKind.PERSON,
        username=name.partition("/")[0],
        inbox=f"{activity.actor}#inbox",
    )

    async def meet(conn: Connection) -> int:
        actor = RemoteActor(profile=profile, domain=host_of(activity.actor))
        return (await upsert_remote(conn, [actor], site.gateway.site.ids))[activity.actor]

    author = site.db(meet)
    site.execute(
        """
        INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id)
        VALUES ($1, $2, 1, $3, sha256($3::text::bytea), $4) ON CONFLICT DO NOTHING
        """,
        site.author("ada").id,
        author,
        f"https://follows.example/{author}",
        site.gateway.site.ids.next(),
    )
    site.run(apply_batch(site.gateway.pool, site.gateway.site, [parsed.accepted(activity)]))
    post = site.value("SELECT id FROM statuses WHERE uri = $1", activity.note.id)
    assert post is not None, "it is not dropped"
    return json.loads(json.dumps(site.client("ada").status(post), default=str))


def words(html: str) -> str:
    """Return the text of HTML."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


@pytest.mark.parametrize(
    ("name", "text", "media", "tags"),
    [
        (
            "bookwyrm/create-review",
            'Review of "The Loom" (4 stars) Warp and weft. https://books.example/user/rita/review/12',
            ["J. Doe: The Loom (Paperback, 1998)"],
            [],
        ),
        ("bookwyrm/create-quotation", '“A thread is a promise.” — "The Loom"', [], []),
        (
            "funkwhale/create-audio",
            "Treadle song Recorded in the barn. https://funk.example/library/tracks/55",
            [None],
            ["folk"],
        ),
        (
            "friendica/create-titled",
            "On shuttles They fly. Twice a second. https://friend.example/display/0a1b-2c3d",
            ["A shuttle"],
            ["weaving"],
        ),
        ("hubzilla/create-note", "Good morning &amp; welcome", [None], []),
        (
            "wordpress/create-article",
            "Threads &amp; time Begin It was dark. The barn https://blog.example/2026/09/threads-and-time/",
            ["The barn at dusk"],
            ["loom"],
        ),
        (
            "mobilizon/create-event",
            "Open weaving night 2026-10-01 16:00 UTC, The Mill Bring wool. https://events.example/events/44",
            ["Banner"],
            ["wool"],
        ),
        (
            "owncast/create-live",
            "I am weaving live! #weaving https://live.example",
            [None],
            ["weaving"],
        ),
        (
            "writefreely/create-article",
            "Letters Dear reader, https://write.example/wanda/letters",
            [],
            [],
        ),
    ],
)
def test_post_is_readable(
    site: RunningGateway, name: str, text: str, media: list[str | None], tags: list[str]
) -> None:
    """Title once, text, when and where, and the link: what a client shows of each kind of post."""
    status = shown(site, name)
    assert words(status["content"]) == text
    assert [one["description"] for one in status["media_attachments"]] == media
    assert [one["name"] for one in status["tags"]] == tags
    assert status["visibility"] == "public"
    assert "<script" not in status["content"]
