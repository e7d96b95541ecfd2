"""Nobody is put under load who is not private or has not consented."""

import pytest

from services.load_generator.safety import NotAllowed, Place, check, is_private, locate, proof


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("192.168.0.9", True),
        ("172.31.0.1", True),
        ("::1", True),
        ("fd00::1", True),
        ("93.184.216.34", False),
        ("2606:4700::1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("172.32.0.1", False),
        ("::ffff:93.184.216.34", False),
    ],
)
def test_private_is_this_machine_and_private_networks(address: str, *, private: bool) -> None:
    """Loopback and private networks are; public, link-local and carrier networks are not."""
    assert is_private(address) is private


async def test_a_public_target_without_consent_is_refused() -> None:
    """The refusal says how an operator consents, and nothing is sent to find out."""
    place = Place(
        origin="https://social.example", host="social.example", address="93.184.216.34", port=443, tls=True
    )
    with pytest.raises(NotAllowed, match="HEDDLE_LOAD_TEST_CONSENT"):
        await check(place, "")


async def test_names_of_this_machine_need_no_resolver() -> None:
    """Whatever lies under localhost is loopback, with the port of its scheme where none is named."""
    place = await locate("http://loom.localhost:8080")
    assert (place.address, place.port, place.host) == ("127.0.0.1", 8080, "loom.localhost:8080")
    assert (await locate("http://localhost")).port == 80
    assert await check(place, "") == "127.0.0.1 is private"


@pytest.mark.parametrize(
    "text", ["loom.localhost", "ftp://localhost", "http://localhost/path", "http://", ""]
)
async def test_what_is_no_origin_is_refused(text: str) -> None:
    """A target is scheme, host and port."""
    with pytest.raises(NotAllowed):
        await locate(text)


def test_a_proof_is_good_for_one_host_and_one_challenge() -> None:
    """Another host, another challenge or another secret has another answer."""
    answers = {
        proof("secret", "a.example", "challenge"),
        proof("secret", "b.example", "challenge"),
        proof("secret", "a.example", "another"),
        proof("guessed", "a.example", "challenge"),
    }
    assert len(answers) == 4
    assert proof("secret", "A.example", "challenge") in answers
