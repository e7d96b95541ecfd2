"""Whatever a client sends, it gets an answer that says what is wrong, and never a 500."""

from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.gateway.running import RunningGateway

READS = (
    "/api/v1/accounts/{}",
    "/api/v1/accounts/{}/statuses",
    "/api/v1/accounts/{}/followers",
    "/api/v1/statuses/{}",
    "/api/v1/statuses/{}/context",
    "/api/v1/statuses/{}/history",
    "/api/v1/notifications/{}",
    "/api/v1/timelines/tag/{}",
    "/api/v1/tags/{}",
)
WRITES = (
    ("POST", "/api/v1/statuses"),
    ("PUT", "/api/v1/statuses/1"),
    ("POST", "/api/v1/statuses/1/reblog"),
    ("PATCH", "/api/v1/accounts/update_credentials"),
    ("POST", "/api/v1/accounts/1/follow"),
    ("POST", "/api/v1/accounts/1/mute"),
    ("POST", "/api/v1/markers"),
    ("POST", "/api/v1/notifications/dismiss"),
    ("POST", "/api/v1/apps"),
    ("POST", "/oauth/token"),
    ("POST", "/oauth/revoke"),
)
NAMES = (
    "status",
    "in_reply_to_id",
    "visibility",
    "sensitive",
    "language",
    "media_ids",
    "poll",
    "source",
    "fields_attributes",
    "display_name",
    "note",
    "bot",
    "home",
    "notifications",
    "id",
    "q",
    "limit",
    "max_id",
    "min_id",
    "types",
    "local",
    "grant_type",
    "client_id",
    "client_secret",
    "code",
    "client_name",
    "redirect_uris",
    "scopes",
    "reblogs",
)

text = st.text(max_size=20)
value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | st.sampled_from(["\0", "1", "public", "9" * 40, "true", "\u202e", "-1", "1e5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)


def check(answer: requests.Response) -> None:
    """Every refusal is JSON with a reason."""
    assert answer.status_code < 500, (answer.request.url, answer.request.body, answer.text)
    if answer.status_code >= 400:
        assert answer.json()["error"]


relaxed = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@relaxed
@given(place=st.sampled_from(WRITES), fields=st.dictionaries(st.sampled_from(NAMES), value, max_size=6))
def test_any_json_is_answered(site: RunningGateway, place: tuple[str, str], fields: dict[str, Any]) -> None:
    """Any JSON object at any writing endpoint gets a 2xx or a 4xx with a reason."""
    method, path = place
    check(requests.request(method, site.origin + path, json=fields, headers=site.headers("ada"), timeout=20))


@relaxed
@given(
    place=st.sampled_from(WRITES),
    fields=st.lists(
        st.tuples(
            st.sampled_from(NAMES).flatmap(
                lambda name: st.sampled_from(
                    [name, f"{name}[]", f"{name}[privacy]", f"{name}[0][name]", f"{name}[["]
                )
            ),
            text | st.sampled_from(["\0", "9" * 40, "-1", "true"]),
        ),
        max_size=6,
    ),
)
def test_any_form_is_answered(
    site: RunningGateway, place: tuple[str, str], fields: list[tuple[str, str]]
) -> None:
    """Any form, however its names are nested, gets a 2xx or a 4xx with a reason."""
    method, path = place
    check(requests.request(method, site.origin + path, data=fields, headers=site.headers("ada"), timeout=20))


@relaxed
@given(
    path=st.sampled_from(READS),
    piece=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="/.?#%"), min_size=1, max_size=20
    )
    | st.integers(-(10**30), 10**30).map(str),
    query=st.dictionaries(st.sampled_from(NAMES), text | st.integers().map(str), max_size=4),
)
def test_any_address_is_answered(site: RunningGateway, path: str, piece: str, query: dict[str, str]) -> None:
    """Any id in a path and any query gets a 2xx or a 4xx with a reason."""
    check(
        requests.get(site.origin + path.format(piece), params=query, headers=site.headers("ada"), timeout=20)
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[1]", "application/json"),
        (b'"text"', "application/json"),
        (b'{"status": "\\ud800"}', "application/json"),
        (b'{"status": "\xff"}', "application/json"),
        (b'{"status": 1e999}', "application/json"),
        (b'{"status": "\\u0000"}', "application/json"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "application/json"),
        (b"status=%ff%fe", "application/x-www-form-urlencoded"),
        (b"status=\xff\xfe", "application/x-www-form-urlencoded"),
        (b"&".join(b"media_ids[]=1" for _ in range(1000)), "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"anything", "multipart/form-data"),
        (
            b'--x\r\nContent-Disposition: form-data; name="status"\r\n\r\n\xff\xfe\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (b"status=hello", "text/plain"),
        (b"status=hello", "application/x-www-form-urlencoded; charset=no-such-charset"),
    ],
)
def test_a_broken_body_is_refused(site: RunningGateway, body: bytes, kind: str) -> None:
    """A body that cannot be read is refused with 400 or 422, and nothing is posted."""
    headers = {**site.headers("ada"), "Content-Type": kind}
    answer = requests.post(f"{site.origin}/api/v1/statuses", data=body, headers=headers, timeout=20)
    accepted = kind.endswith("no-such-charset")
    assert answer.status_code in ({200} if accepted else {400, 422}), answer.text


def test_a_body_that_is_too_large_is_refused(site: RunningGateway) -> None:
    """More than a megabyte is refused with 413."""
    answer = requests.post(
        f"{site.origin}/api/v1/statuses",
        data={"status": "x" * 2_000_000},
        headers=site.headers("ada"),
        timeout=20,
    )
    assert answer.status_code == 413
    assert "error" in answer.json()


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Bearer \xff", "bearer \t x", "Bearer a b"])
def test_a_wrong_token_is_unauthorized(site: RunningGateway, header: str) -> None:
    """A token that opens nothing gets 401, also where no token is needed."""
    headers = {"Authorization": header.encode("latin-1")}
    for path in ("/api/v1/timelines/home", "/api/v1/timelines/public"):
        answer = requests.get(site.origin + path, headers=headers, timeout=20)
        assert answer.status_code == 401
        assert answer.json()["error"] == "The access token is invalid"


def test_without_a_token_what_is_personal_is_closed(site: RunningGateway) -> None:
    """Everything that belongs to a person answers 401 to somebody not signed in."""
    for path in ("timelines/home", "notifications", "bookmarks", "blocks", "accounts/verify_credentials"):
        answer = requests.get(f"{site.origin}/api/v1/{path}", timeout=20)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_unknown_paths_and_methods_answer_in_json(site: RunningGateway) -> None:
    """What the API does not have is a JSON 404; a method it does not take a 405 or 404."""
    assert requests.get(f"{site.origin}/api/v9/x", timeout=20).json() == {"error": "Record not found"}
    answer = requests.delete(f"{site.origin}/api/v1/timelines/home", timeout=20)
    assert answer.status_code in {404, 405}
    assert "error" in answer.json()
