"""Signing in: apps, the page that people see, codes, tokens, and what must not work."""

import base64
import hashlib
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from mastodon import Mastodon, MastodonAPIError, MastodonIllegalArgumentError, MastodonUnauthorizedError

from services.platform_gateway.oauth.sign_in import MAX_FAILURES
from tests.integration.gateway.running import PASSWORD, RunningGateway, running_gateway

CALLBACK = "https://client.example/callback"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-1234"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def register(site: RunningGateway, scopes: str = "read write follow push", **more: str) -> dict[str, str]:
    """Register an app and return what the site told it."""
    form = {"client_name": "Test", "redirect_uris": f"{CALLBACK}\n{OUT_OF_BAND}", "scopes": scopes} | more
    app: dict[str, str] = requests.post(f"{site.origin}/api/v1/apps", data=form, timeout=20).json()
    return app


class Browser:
    """A person with a browser in front of the sign-in page."""

    def __init__(self, site: RunningGateway, **asked: str) -> None:
        self.session = requests.Session()
        self.url = f"{site.address}/oauth/authorize"
        self.page = self.session.get(self.url, params={"response_type": "code", **asked}, timeout=20)

    def fields(self) -> dict[str, str]:
        """Return the hidden fields of the form."""
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.page.text)
        return {name: unescape(value) for name, value in found}

    def submit(self, **typed: str) -> requests.Response:
        """Fill the form in and send it."""
        form = {**self.fields(), "decision": "allow", **typed}
        return self.session.post(self.url, data=form, allow_redirects=False, timeout=60)


def sign_in(site: RunningGateway, base: str, name: str = "ada") -> Mastodon:
    """Register an app at an address, and sign somebody in with it as Mastodon.py does."""
    client_id, secret = Mastodon.create_app("Test", api_base_url=base, website="https://a.example")
    client = Mastodon(client_id=client_id, client_secret=secret, api_base_url=base)
    url = client.auth_request_url(allow_http=True, state="s")
    assert url.startswith(f"{base}/")
    browser = Browser(site, **{name: values[0] for name, values in parse_qs(urlsplit(url).query).items()})
    assert browser.page.status_code == 200
    assert "Test" in browser.page.text
    shown = browser.submit(username=name, password=PASSWORD)
    code = re.search(r'id="code"[^>]*value="([^"]+)"', shown.text)
    assert code is not None
    client.log_in(code=code[1], allow_http=True)
    return client


def test_mastodon_py_signs_in(site: RunningGateway) -> None:
    """The whole sign-in of Mastodon.py works: register, page, code shown, token, use, revoke."""
    client = sign_in(site, site.origin)
    assert client.me().username == "ada"
    assert client.app_verify_credentials().name == "Test"
    assert client.status_post("from the app").application.name == "Test"
    token = client.access_token
    client.revoke_access_token(allow_http=True)
    with pytest.raises(MastodonUnauthorizedError):
        Mastodon(access_token=token, api_base_url=site.origin).me()


def test_mastodon_py_signs_in_where_the_site_has_a_name_of_this_machine(database_url: str) -> None:
    """A client that came to a *.localhost site by its address, as many must, is told to stay there."""
    with running_gateway(database_url, {"HEDDLE_ORIGIN": "http://nobody-resolves-this.localhost"}) as site:
        site.account("mona")
        client = sign_in(site, site.address, "mona")
        assert client.me().url == "http://nobody-resolves-this.localhost/@mona"
        streams = f"ws{site.address.removeprefix('http')}"
        assert client.instance_v1().urls.streaming_api == streams
        assert client.instance_v2().configuration.urls.streaming == streams


def test_a_code_with_proof_works_once_and_only_with_its_verifier(site: RunningGateway) -> None:
    """With PKCE a code needs its verifier, works once, and only for its app and redirect URI."""
    app = register(site)
    asked = {
        "client_id": app["client_id"],
        "redirect_uri": CALLBACK,
        "scope": "read:accounts write:statuses",
        "state": "x&y=z",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }

    def sign_in() -> str:
        answer = Browser(site, **asked).submit(username="@ADA", password=PASSWORD)
        assert answer.status_code == 303
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert answer.headers["Location"].startswith(f"{CALLBACK}?")
        assert query["state"] == ["x&y=z"]
        return query["code"][0]

    def exchange(code: str, **changed: str) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "redirect_uri": CALLBACK,
            "code": code,
            "code_verifier": VERIFIER,
        }
        return requests.post(f"{site.origin}/oauth/token", data=form | changed, timeout=20)

    for changed in ({"code_verifier": "wrong"}, {"code_verifier": ""}, {"redirect_uri": OUT_OF_BAND}):
        refused = exchange(sign_in(), **changed)
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_grant"
    code = sign_in()
    other = register(site)
    stolen = exchange(code, client_id=other["client_id"], client_secret=other["client_secret"])
    assert stolen.json()["error"] == "invalid_grant"
    granted = exchange(code)
    assert granted.json()["scope"] == "read:accounts write:statuses"
    assert granted.headers["Cache-Control"] == "no-store"
    assert exchange(code).json()["error"] == "invalid_grant"
    client = Mastodon(access_token=granted.json()["access_token"], api_base_url=site.origin)
    assert client.me().username == "ada"
    with pytest.raises(MastodonAPIError, match="outside the authorized scopes"):
        client.notifications_unread_count()


def test_a_code_expires(site: RunningGateway) -> None:
    """A code that nobody used in time gives no token."""
    app = register(site)
    asked = {"client_id": app["client_id"], "redirect_uri": CALLBACK, "scope": "read"}
    answer = Browser(site, **asked).submit(username="ada", password=PASSWORD)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    site.execute("UPDATE oauth_codes SET expires_at = now() - interval '1 second'")
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": code}
    refused = requests.post(
        f"{site.origin}/oauth/token",
        data=form,
        auth=(app["client_id"], app["client_secret"]),
        timeout=20,
    )
    assert refused.json()["error"] == "invalid_grant"


def test_a_person_can_turn_the_app_away(site: RunningGateway) -> None:
    """Turning an app away needs no password and tells the app so."""
    app = register(site)
    browser = Browser(site, client_id=app["client_id"], redirect_uri=CALLBACK, scope="read", state="s")
    answer = browser.submit(decision="deny")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (query["error"], query["state"]) == (["access_denied"], ["s"])


def test_the_form_only_works_from_our_page(site: RunningGateway) -> None:
    """A form without the page's token, with another request's, or from another origin signs nobody in."""
    app = register(site)
    asked = {"client_id": app["client_id"], "redirect_uri": CALLBACK, "scope": "read"}
    typed = {"username": "ada", "password": PASSWORD}
    for forged in ({"token": ""}, {"token": "0" * 64}, {"scope": "read write"}, {"state": "other"}):
        assert Browser(site, **asked).submit(**typed, **forged).status_code == 403
    browser = Browser(site, **asked)
    form = {**browser.fields(), **typed, "decision": "allow"}
    assert requests.post(browser.url, data=form, timeout=20).status_code == 403
    crossed = browser.session.post(
        browser.url, data=form, headers={"Origin": "https://evil.example"}, allow_redirects=False, timeout=20
    )
    assert crossed.status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "unknown"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": f"{CALLBACK}/more"},
        {"response_type": "token"},
        {"scope": "admin:write"},
        {"scope": "write"},
        {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
        {"code_challenge": "short", "code_challenge_method": "S256"},
        {"client_id": "nul\0"},
    ],
)
def test_a_wrong_request_never_redirects(site: RunningGateway, wrong: dict[str, str]) -> None:
    """A request that is not in order is explained to the person; nothing is sent to any address."""
    app = register(site, scopes="read")
    asked = {"client_id": app["client_id"], "redirect_uri": CALLBACK, "scope": "read"}
    page = Browser(site, **{**asked, **wrong}).page
    assert page.status_code == 400
    assert page.history == []


def test_wrong_passwords_are_bounded(site: RunningGateway) -> None:
    """After some wrong passwords the right one is refused for a while; an unknown name looks the same."""
    site.account("target")
    app = register(site)
    asked = {"client_id": app["client_id"], "redirect_uri": CALLBACK, "scope": "read"}
    browser = Browser(site, **asked)
    unknown = browser.submit(username="nobody_here", password="wrong")
    for _ in range(MAX_FAILURES):
        wrong = browser.submit(username="target", password="wrong")
        assert wrong.status_code == unknown.status_code == 401
    assert browser.submit(username="target", password=PASSWORD).status_code == 429
    site.execute("UPDATE sign_in_attempts SET window_started_at = now() - interval '1 hour'")
    assert browser.submit(username="target", password=PASSWORD).status_code == 303
    assert browser.submit(username="target", password=PASSWORD).status_code == 303


def test_the_page_is_safe_to_show(site: RunningGateway) -> None:
    """The sign-in page allows no script or frame, leads only to the app, and escapes what the app says."""
    app = register(site, client_name="<script>alert(1)</script>")
    page = Browser(site, client_id=app["client_id"], redirect_uri=CALLBACK, scope="read").page
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://client.example" in policy
    assert "<script" not in page.text
    assert page.headers["Cache-Control"].endswith("no-store")
    cookie = page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize(
    "uri",
    ["javascript:alert(1)", "/relative", "https://a.example/#x", "data:text/html,x", "https://u@h/", ""],
)
def test_an_app_cannot_register_a_dangerous_address(site: RunningGateway, uri: str) -> None:
    """Redirect URIs that a browser would run, or that are no addresses, are refused."""
    form = {"client_name": "Test", "redirect_uris": uri}
    answer = requests.post(f"{site.origin}/api/v1/apps", data=form, timeout=20)
    assert answer.status_code == 422
    assert "error" in answer.json()


def test_an_app_of_its_own_reads_what_is_public(site: RunningGateway) -> None:
    """An app's own token reads the public timeline and is told that a person is needed for more."""
    app = register(site)
    form = {
        "grant_type": "client_credentials",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "scope": "read",
    }
    token = requests.post(f"{site.origin}/oauth/token", json=form, timeout=20).json()["access_token"]
    client = Mastodon(access_token=token, api_base_url=site.origin)
    client.timeline_public()
    assert client.app_verify_credentials().name == "Test"
    with pytest.raises(MastodonAPIError, match="requires an authenticated user"):
        client.me()


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "unsupported_grant_type"),
        ({"scope": "everything"}, 400, "invalid_scope"),
    ],
)
def test_wrong_token_requests_say_why(
    site: RunningGateway, changed: dict[str, str], status: int, error: str
) -> None:
    """A token request that is wrong gets OAuth's own error code."""
    app = register(site)
    form = {
        "grant_type": "client_credentials",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "scope": "read",
    }
    answer = requests.post(f"{site.origin}/oauth/token", data=form | changed, timeout=20)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_one_app_cannot_revoke_anothers_token(site: RunningGateway) -> None:
    """Revocation needs the credentials of the app whose token it is."""
    one, other = register(site), register(site)
    form = {
        "grant_type": "client_credentials",
        "client_id": one["client_id"],
        "client_secret": one["client_secret"],
    }
    token = requests.post(f"{site.origin}/oauth/token", data=form, timeout=20).json()["access_token"]
    revoke = {"client_id": other["client_id"], "client_secret": other["client_secret"], "token": token}
    assert requests.post(f"{site.origin}/oauth/revoke", data=revoke, timeout=20).status_code == 200
    Mastodon(access_token=token, api_base_url=site.origin).timeline_public()


def test_secrets_are_not_kept(site: RunningGateway) -> None:
    """The database holds neither tokens nor client secrets, only their hashes."""
    app = register(site)
    token = site.token("ada")
    dump = site.value("SELECT string_agg(t::text, '') FROM oauth_tokens t") + site.value(
        "SELECT string_agg(a::text, '') FROM oauth_apps a"
    )
    assert app["client_secret"] not in dump
    assert token not in dump


def test_password_sign_in_is_refused_in_words(site: RunningGateway) -> None:
    """Mastodon.py's password sign-in, which the field has dropped, fails with its own clear error."""
    app = register(site)
    client = Mastodon(
        client_id=app["client_id"], client_secret=app["client_secret"], api_base_url=site.origin
    )
    with pytest.raises(MastodonIllegalArgumentError):
        client.log_in(username="ada", password=PASSWORD, allow_http=True)
