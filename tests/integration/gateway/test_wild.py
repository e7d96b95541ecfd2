"""Objects as they are found in the wild: readable, refused with a reason, or ignored; no page breaks.

`HEDDLE_TEST_WILD_EXAMPLES` is how many are tried.
"""

import itertools
import json
import os
from typing import Any

import msgspec
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.platform_gateway.entities.statuses import Context, Notification, Status
from services.signature_verifier.authority import check_contents
from services.timeline_builder.apply import apply_batch
from services.timeline_builder.work import Outcome
from shared.database import follows
from shared.database.actors import RemoteActor, upsert_remote
from shared.database.follows import FollowRow, FollowState
from shared.database.pool import Connection
from shared.protocol.activities import Activity, Create
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import host_of
from shared.protocol.reader import read_activity
from tests.builders import parsed
from tests.integration.gateway.running import RunningGateway
from tests.payloads.captured import captured_requests
from tests.unit.protocol.payloads import payload, written

EXAMPLES = int(os.environ.get("HEDDLE_TEST_WILD_EXAMPLES", "40"))
_numbers = itertools.count(1)
_BODIES = [payload(name) for name in written(documents=False)]
_BODIES += [one.request.body for one in captured_requests() if one.request.body]
RECORDED = [one for one in map(json.loads, _BODIES) if one["type"] in {"Create", "Update"}]

ODD: list[Any] = [
    None,
    "",
    0,
    -1,
    1.5,
    True,
    [],
    {},
    [[]],
    [None],
    "1e3",
    "https://",
    {"@value": "text", "@language": "en"},
    {"en": "one", "de": "eins", "": "", "und": None},
    {"type": "Link", "href": "https://a.example/x"},
    [{"type": "Link", "href": "https://a.example/x", "mediaType": "text/html"}, "https://a.example/y"],
    {"type": ["Image", "Document"], "url": [{"href": "https://a.example/x.png", "mediaType": "image/png"}]},
    [["https://www.w3.org/ns/activitystreams"], {"@vocab": "x"}, [{"a": {"@id": "b"}}]],
    "2024-02-31T25:61:61Z",
    "yesterday",
    "\u202e\u200b\ufeff",
    "x" * 3000,
    [{"type": "Mention"}, {"type": "Hashtag", "name": None}, {"type": "Emoji", "icon": []}, 17],
]
CHANGES = ("replace", "remove", "wrap", "unwrap", "text", "map")


def places(node: object) -> list[tuple[Any, Any]]:
    """Return every place of a document: what holds it, and its name or number there."""
    found: list[tuple[Any, Any]] = []
    if isinstance(node, dict):
        found += [(node, name) for name in node]
        node = list(node.values())
    elif isinstance(node, list):
        found += [(node, number) for number in range(len(node))]
    return found + [place for one in node for place in places(one)] if isinstance(node, list) else found


def change(place: tuple[Any, Any], how: str, odd: object) -> None:
    """Bend a value in the way that some server does."""
    holder, name = place
    try:
        value = holder[name]
    except (LookupError, TypeError):
        return
    match how:
        case "remove":
            del holder[name]
        case "wrap":
            holder[name] = [value]
        case "unwrap":
            holder[name] = value[0] if isinstance(value, list) and value else value
        case "text":
            holder[name] = str(value)
        case "map" if isinstance(name, str):
            holder[f"{name}Map"] = {"en": holder.pop(name)}
        case _:
            holder[name] = odd


def fresh(recorded: dict[str, Any], parent: str) -> dict[str, Any]:
    """Return a recorded activity under ids of its own; its post answers one that is here."""
    activity: dict[str, Any] = json.loads(json.dumps(recorded))
    number = next(_numbers)
    activity["id"] = f"{activity['id']}-{number}"
    inner = activity["object"]
    if isinstance(inner, dict) and inner.get("id") != activity["actor"]:
        inner["id"] = f"{inner['id']}-{number}"
        if not inner.get("name"):
            inner["inReplyTo"] = parent
    return activity


def meet(site: RunningGateway, activity: Activity, follower: int) -> None:
    """Have the actor be known here, and followed."""
    uri, ids = activity.actor, site.gateway.site.ids

    async def store(conn: Connection) -> None:
        known = RemoteActor(profile=parsed.profile(uri), domain=host_of(uri))
        found = await conn.fetchval("SELECT id FROM actors WHERE uri = $1", uri)
        if found is not None:
            return
        actor_id = (await upsert_remote(conn, [known], ids))[uri]
        row = FollowRow(
            id=(row_id := ids.next()),
            uri=site.gateway.site.uris.activity(row_id),
            follower_id=follower,
            followee_id=actor_id,
            state=FollowState.ACCEPTED,
        )
        await follows.insert(conn, [row])

    site.db(store)


def shown(site: RunningGateway, path: str, kind: Any) -> Any:
    """Return what the API answers; every part of it has the type that clients rely on."""
    answer = requests.get(site.origin + path, headers=site.headers("ada"), timeout=20)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=kind)


@pytest.fixture(scope="module")
def post(site: RunningGateway) -> Any:
    """Return a post of ada's that all of them answer."""
    return site.client("ada").status_post("What do you send?")


@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    recorded=st.sampled_from(RECORDED),
    changes=st.lists(
        st.tuples(st.integers(0, 10_000), st.sampled_from(CHANGES), st.sampled_from(ODD)), max_size=4
    ),
)
def test_what_is_odd_breaks_nothing(
    site: RunningGateway, post: Any, recorded: dict[str, Any], changes: list[tuple[int, str, Any]]
) -> None:
    """A recorded post or profile, bent in up to four places, leaves timeline, thread, post and page whole."""
    document = fresh(recorded, post.uri)
    for number, how, odd in changes:
        all_places = places(document)
        change(all_places[number % len(all_places)], how, json.loads(json.dumps(odd)))
        if not document:
            return
    try:
        activity = read_activity(json.dumps(document).encode())
        check_contents(activity)
    except Rejected as refused:
        assert refused.reason not in {"", "rejected"}  # noqa: PT017 - either outcome is right
        return
    meet(site, activity, site.author("ada").id)
    outcomes = site.run(apply_batch(site.gateway.pool, site.gateway.site, [parsed.accepted(activity)]))
    assert set(outcomes) <= set(Outcome)
    look(site, post)


def look(site: RunningGateway, post: Any, most: int = 2) -> None:
    """Look at everything that may show it."""
    shown(site, f"/api/v1/timelines/home?limit={most}", list[Status])
    shown(site, f"/api/v1/statuses/{post.id}/context", Context)
    shown(site, f"/api/v1/notifications?limit={most}", list[Notification])
    page = requests.get(f"{site.origin}/@ada/{post.id}", timeout=20)
    assert page.status_code == 200
    assert "<script" not in page.text


def test_what_is_recorded_is_readable(site: RunningGateway, post: Any) -> None:
    """What real servers sent comes in: every post, and what it says stands in the timeline."""
    sent = (read_activity(json.dumps(fresh(one, post.uri)).encode()) for one in RECORDED)
    activities = [activity for activity in sent if isinstance(activity, Create)]
    assert len(activities) > 30
    for activity in activities:
        meet(site, activity, site.author("ada").id)
    items = [parsed.accepted(activity) for activity in activities]
    outcomes = site.run(apply_batch(site.gateway.pool, site.gateway.site, items))
    assert set(outcomes) <= {Outcome.APPLIED, Outcome.UNCONCERNED}
    # Votes answer polls that are not here, and messages name people who are not.
    assert outcomes.count(Outcome.APPLIED) > len(activities) * 0.8, outcomes
    statuses = shown(site, "/api/v1/timelines/home?limit=40", list[Status])
    assert all(one.content or one.media_attachments or one.reblog for one in statuses)
    look(site, post, 40)
