"""Who may quote a post, as its author's server says it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.policy.quotes import Circle, Expected, Quoter, QuoteTerms, expected, terms_of
from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import Visibility
from tests.builders import parsed
from tests.builders.wire import EDITH

FOLLOWERS, FOLLOWING, OLGA = f"{EDITH}/followers", f"{EDITH}/following", "https://far.example/users/olga"
_STRANGER, _FOLLOWER, _FRIEND = Quoter(), Quoter(follows=True), Quoter(followed=True)
_CIRCLES = st.integers(0, 15).map(Circle)
_TERMS = st.builds(QuoteTerms, automatic=_CIRCLES, manual=_CIRCLES)


@pytest.mark.parametrize(
    ("automatic", "manual", "stranger", "follower", "friend"),
    [
        ((PUBLIC,), (), "automatic", "automatic", "automatic"),
        ((), (PUBLIC,), "manual", "manual", "manual"),
        ((FOLLOWERS,), (), "denied", "automatic", "denied"),
        ((FOLLOWERS,), (PUBLIC,), "manual", "automatic", "manual"),
        ((FOLLOWING,), (FOLLOWERS,), "denied", "manual", "automatic"),
        ((), (), "denied", "denied", "denied"),
        ((EDITH,), (), "denied", "denied", "denied"),
        ((OLGA,), (FOLLOWERS,), "unknown", "manual", "unknown"),
        ((), (OLGA,), "unknown", "unknown", "unknown"),
        (None, (), "unknown", "unknown", "unknown"),
    ],
)
def test_terms_say_what_comes_of_quoting(
    automatic: tuple[str, ...] | None, manual: tuple[str, ...], stranger: str, follower: str, friend: str
) -> None:
    """Each of the circles lets in those in it, and who is named beside them may be anybody."""
    note = parsed.note(may_quote=automatic, may_ask=manual)
    terms = terms_of(note, FOLLOWERS, FOLLOWING)
    quoters = (_STRANGER, _FOLLOWER, _FRIEND)
    found = [expected(terms, Visibility.PUBLIC, quoter).value for quoter in quoters]
    assert found == [stranger, follower, friend]


@given(terms=st.none() | _TERMS, quoter=st.builds(Quoter), visibility=st.sampled_from(Visibility))
def test_nobody_else_quotes_what_is_not_open(
    terms: QuoteTerms | None, quoter: Quoter, visibility: Visibility
) -> None:
    """Whatever the terms, a post for followers or for those named is not quoted, nor any by the blocked."""
    found = expected(terms, visibility, quoter)
    if quoter.is_author:
        assert (found is Expected.AUTOMATIC) == (visibility is not Visibility.DIRECT)
    elif visibility > Visibility.UNLISTED or quoter.blocked:
        assert found is Expected.DENIED


@given(terms=st.none() | _TERMS)
def test_terms_survive_packing(terms: QuoteTerms | None) -> None:
    """What is kept as a small number is what was said."""
    assert QuoteTerms.unpacked(None if terms is None else terms.packed()) == terms


@given(terms=_TERMS)
def test_terms_are_personal_where_it_matters_who_asks(terms: QuoteTerms) -> None:
    """Where terms are not personal, everybody who is not blocked gets the same answer."""
    answers = {expected(terms, Visibility.PUBLIC, one) for one in (_STRANGER, _FOLLOWER, _FRIEND)}
    assert terms.personal or len(answers) == 1
