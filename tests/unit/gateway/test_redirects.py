"""Redirect URIs: what an app may register, and how it is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform_gateway.oauth.redirects import OUT_OF_BAND, form_target, is_acceptable, with_answer


@pytest.mark.parametrize(
    "uri",
    [
        OUT_OF_BAND,
        "https://client.example/callback",
        "http://127.0.0.1:8080/",
        "myapp://oauth",
        "com.example.app:/oauth",
        "https://client.example/?a=b",
    ],
)
def test_addresses_of_apps_are_accepted(uri: str) -> None:
    """Web addresses, schemes of an app's own and the out-of-band marker can be registered."""
    assert is_acceptable(uri)


@given(st.text(max_size=40))
def test_what_is_accepted_fits_into_a_header(text: str) -> None:
    """Whatever is accepted can stand in a Location and in a policy: no spaces, quotes or separators."""
    if is_acceptable(text):
        assert not set(text) & set(" \r\n\t\"';,<>")
        assert text.isascii()


def test_answers_are_appended() -> None:
    """The answer joins the parameters that the address has; empty parts are left out."""
    assert with_answer("https://a.example/", {"code": "x y", "state": ""}) == "https://a.example/?code=x+y"
    assert with_answer("https://a.example/?b=c", {"code": "x"}) == "https://a.example/?b=c&code=x"


def test_forms_lead_only_to_the_app() -> None:
    """The policy names the app's origin or scheme, and nothing for a code that is shown."""
    assert form_target("https://a.example:444/x?y") == ("https://a.example:444",)
    assert form_target("myapp://oauth") == ("myapp:",)
    assert form_target(OUT_OF_BAND) == ()
