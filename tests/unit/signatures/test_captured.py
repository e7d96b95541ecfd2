"""Real requests of GoToSocial, Takahē and Fedify: each verifies, and no altered one does."""

from datetime import timedelta

import pytest

from shared.signatures.form import check_form, signed_headers
from shared.signatures.refused import Reason, Refused
from shared.signatures.request import SignedRequest
from shared.signatures.verify import parse, verify
from tests.payloads.captured import Captured, captured_requests
from tests.unit.signatures.signed import ORIGIN, header, with_header

ALL = [pytest.param(one, id=f"{one.server}-{one.name}") for one in captured_requests()]
WITH_BODY = [param for param in ALL if isinstance(param.values[0], Captured) and param.values[0].request.body]


def _refusal(captured: Captured, request: SignedRequest) -> Reason | None:
    try:
        verify(parse(request), request, captured.key, origin=captured.origin, now=captured.received_at)
    except Refused as refused:
        return refused.why
    return None


def test_there_are_captures_of_three_servers() -> None:
    """None of the captures has been lost."""
    counted = dict.fromkeys(("gotosocial", "takahe", "fedify"), 0)
    for one in captured_requests():
        counted[one.server] += 1
    assert counted == {"gotosocial": 34, "takahe": 32, "fedify": 2}


@pytest.mark.parametrize("captured", ALL)
def test_a_real_request_verifies(captured: Captured) -> None:
    """What a real server signed is accepted with its key at the time of receipt."""
    request = captured.request
    assert check_form(request.headers, request.method, request.body, captured.received_at) is None
    assert parse(request).key_id == captured.key.id
    assert _refusal(captured, request) is None


@pytest.mark.parametrize("captured", ALL)
def test_a_request_verifies_with_its_signed_headers_alone(captured: Captured) -> None:
    """The headers that the receiver keeps are all that the verifier needs."""
    request = captured.request
    kept = signed_headers(request.headers, parse(request))
    reduced = SignedRequest(request.method, request.target, kept, request.body)
    assert _refusal(captured, reduced) is None


@pytest.mark.parametrize("captured", WITH_BODY)
def test_a_flipped_byte_in_the_body_is_found(captured: Captured) -> None:
    """A body that was altered on the way is refused, by the receiver already."""
    request, body = captured.request, bytearray(captured.request.body)
    body[len(body) // 2] ^= 1
    altered = SignedRequest(request.method, request.target, request.headers, bytes(body))
    assert _refusal(captured, altered) is Reason.DIGEST_MISMATCH
    form = check_form(altered.headers, altered.method, altered.body, captured.received_at)
    assert form is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("captured", ALL)
def test_another_target_is_found(captured: Captured) -> None:
    """A request that was signed for another path is refused."""
    request = captured.request
    altered = SignedRequest(
        request.method, request.target[:-1] + chr(ord(request.target[-1]) ^ 1), request.headers, request.body
    )
    assert _refusal(captured, altered) is Reason.SIGNATURE_INVALID


@pytest.mark.parametrize("captured", ALL)
def test_another_method_is_found(captured: Captured) -> None:
    """A request that was signed for another method is refused."""
    request = captured.request
    altered = SignedRequest("PUT", request.target, request.headers, request.body)
    reasons = {Reason.SIGNATURE_INVALID, Reason.DIGEST_MISSING, Reason.DIGEST_NOT_COVERED}
    assert _refusal(captured, altered) in reasons


@pytest.mark.parametrize("captured", ALL)
def test_another_host_is_found(captured: Captured) -> None:
    """A request that names another host is refused, and so is one that was meant for another server."""
    request, host = captured.request, header(captured.request, "host")
    altered = with_header(request, "host", host[:-1] + chr(ord(host[-1]) ^ 1))
    assert _refusal(captured, altered) is Reason.HOST_MISMATCH
    with pytest.raises(Refused) as refused:
        verify(parse(request), request, captured.key, origin=ORIGIN, now=captured.received_at)
    assert refused.value.why is Reason.HOST_MISMATCH


@pytest.mark.parametrize("captured", ALL)
def test_a_flipped_byte_in_the_signature_is_found(captured: Captured) -> None:
    """A signature that was altered is refused as not fitting."""
    value = header(captured.request, "signature")
    at = value.index('signature="' if 'signature="' in value else "=:") + 50
    flipped = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
    altered = with_header(captured.request, "signature", flipped)
    assert _refusal(captured, altered) is Reason.SIGNATURE_INVALID


@pytest.mark.parametrize("captured", ALL)
def test_time_is_judged_at_receipt(captured: Captured) -> None:
    """A request counts for 12 hours after it was signed and one hour before, not a minute longer."""
    request = captured.request

    def at(offset: timedelta) -> Reason | None:
        return check_form(request.headers, request.method, request.body, captured.received_at + offset)

    assert at(timedelta(hours=11, minutes=59)) is None
    assert at(timedelta(minutes=-59)) is None
    assert at(timedelta(hours=12, minutes=1)) is Reason.DATE_OUT_OF_WINDOW
    assert at(timedelta(hours=-1, minutes=-1)) is Reason.DATE_OUT_OF_WINDOW
