"""Keys: what is read, what is refused, and how ours are kept."""

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from shared.signatures.keys import (
    ED25519,
    RSA,
    KeyPair,
    generate_ed25519,
    generate_rsa,
    load_private,
    load_public,
    pem_of,
    pem_to_der,
)
from shared.signatures.multikey import (
    decode_base58btc,
    decode_multikey,
    encode_base58btc,
    encode_multikey,
)
from shared.signatures.refused import Reason, Refused
from shared.signatures.sealing import SealBroken, open_sealed, seal
from tests.payloads.captured import document
from tests.unit.signatures.signed import (
    ED25519_PAIR,
    KEY_ID,
    RSA_PAIR,
    header,
    public,
    refusal,
    signed,
    with_header,
)

PEM = serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


@pytest.mark.parametrize("pair", [RSA_PAIR, ED25519_PAIR, generate_rsa(), generate_ed25519()])
def test_a_pair_survives_its_own_forms(pair: KeyPair) -> None:
    """A key of ours reads the same from PEM and from Multikey."""
    assert pem_to_der(pem_of(pair.public)) == (pair.algorithm, pair.public)
    assert decode_multikey(encode_multikey(pair.public)) == (pair.algorithm, pair.public)
    assert load_private(pair.private).public_key() == load_public(pair.algorithm, pair.public)


def test_two_keys_are_never_the_same() -> None:
    """Each call makes a key of its own."""
    assert generate_rsa().private != generate_rsa().private
    assert generate_ed25519().private != generate_ed25519().private


@pytest.mark.parametrize(
    "change",
    [
        lambda pem: pem,
        lambda pem: f"\n  {pem.strip()}  \n",
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: pem.rstrip("\n"),
    ],
)
def test_a_pem_as_others_write_it(change: object) -> None:
    """White space around a PEM and other line ends do not matter."""
    assert callable(change)
    assert pem_to_der(change(pem_of(RSA_PAIR.public))) == (RSA, RSA_PAIR.public)


def _private_pem(traditional: bool) -> str:
    kind = (
        serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
    )
    key = load_private(RSA_PAIR.private)
    return key.private_bytes(PEM, kind, serialization.NoEncryption()).decode()


def _public_pem(key: object) -> str:
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    return key.public_bytes(PEM, SPKI).decode()


def _weak(bits: int) -> str:
    return _public_pem(rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key())


def _large(bits: int, exponent: int = 65537) -> bytes:
    """Return the DER of a well-formed RSA key of any size; nobody has to know its factors."""
    modulus = ((1 << bits) - 1).to_bytes(bits // 8)
    numbers = _der(0x02, b"\0" + modulus) + _der(0x02, exponent.to_bytes((exponent.bit_length() + 8) // 8))
    rsa_encryption = bytes.fromhex("300d06092a864886f70d0101010500")
    return _der(0x30, rsa_encryption + _der(0x03, b"\0" + _der(0x30, numbers)))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x80 | len(length)]) + length) + content


def _as_pem(der: bytes) -> str:
    return f"-----BEGIN PUBLIC KEY-----\n{base64.encodebytes(der).decode()}-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        pytest.param("", Reason.KEY_MALFORMED, id="empty"),
        pytest.param("garbage", Reason.KEY_MALFORMED, id="garbage"),
        pytest.param(_as_pem(b"garbage"), Reason.KEY_MALFORMED, id="garbage-in-pem"),
        pytest.param(_as_pem(b"\x30"), Reason.KEY_MALFORMED, id="cut-off"),
        pytest.param(_private_pem(traditional=False), Reason.KEY_MALFORMED, id="private"),
        pytest.param(_private_pem(traditional=True), Reason.KEY_MALFORMED, id="private-pkcs1"),
        pytest.param(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            Reason.KEY_MALFORMED,
            id="certificate",
        ),
        pytest.param(pem_of(RSA_PAIR.public) * 2, Reason.KEY_MALFORMED, id="two"),
        pytest.param(pem_of(RSA_PAIR.public) + "é", Reason.KEY_MALFORMED, id="not-ascii"),
        pytest.param("-----BEGIN PUBLIC KEY-----\n" + "A" * 100_000, Reason.KEY_MALFORMED, id="huge"),
        pytest.param(_weak(1024), Reason.KEY_WEAK, id="rsa-1024"),
        pytest.param(_as_pem(_large(2040)), Reason.KEY_WEAK, id="rsa-2040"),
        pytest.param(_as_pem(_large(8200)), Reason.KEY_WEAK, id="rsa-8200"),
        pytest.param(_as_pem(_large(16384)), Reason.KEY_WEAK, id="rsa-16384"),
        pytest.param(_as_pem(_large(2048, 2**40 + 1)), Reason.KEY_WEAK, id="huge-exponent"),
        pytest.param(
            _public_pem(ec.generate_private_key(ec.SECP256R1()).public_key()),
            Reason.KEY_UNSUPPORTED,
            id="p256",
        ),
    ],
)
def test_pems_that_are_refused(pem: str, reason: Reason) -> None:
    """Anything but one public key of a fit kind and size is refused."""
    with pytest.raises(Refused) as refused:
        pem_to_der(pem)
    assert refused.value.why is reason


@pytest.mark.parametrize("exponent", [1, 2, 4, 65536])
def test_exponents_that_are_refused(exponent: int) -> None:
    """With an exponent of 1 anybody could sign; even ones are no keys."""
    with pytest.raises(Refused) as refused:
        load_public(RSA, _large(2048, exponent))
    assert refused.value.why in {Reason.KEY_WEAK, Reason.KEY_MALFORMED}


def test_a_large_key_is_taken_up_to_8192_bits() -> None:
    """4,096 and 8,192 bits are in use and are read."""
    for bits in (4096, 8192):
        key = load_public(RSA, _large(bits))
        assert isinstance(key, rsa.RSAPublicKey)
        assert key.key_size == bits


def test_an_ed25519_signature_that_was_malleated_is_refused() -> None:
    """Adding the group's order to S makes a second signature of the same message: it is refused."""
    order = 2**252 + 27742317777372353535851937790883648493
    request = signed("rfc9421", pair=ED25519_PAIR)
    raw = base64.b64decode(header(request, "signature").removeprefix("sig1=:").removesuffix(":"))
    twin = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    altered = with_header(request, "signature", f"sig1=:{base64.b64encode(twin).decode()}:")
    assert refusal(request, public(ED25519_PAIR)) is None
    assert refusal(altered, public(ED25519_PAIR)) is Reason.SIGNATURE_INVALID


def test_an_hmac_keyed_with_the_pem_is_refused() -> None:
    """The public key is no secret: an HMAC made with it proves nothing."""
    request = signed()
    forged = base64.b64encode(hmac.digest(pem_of(RSA_PAIR.public).encode(), b"x", hashlib.sha256)).decode()
    covered = "(request-target) host date digest"
    value = f'keyId="{KEY_ID}",algorithm="hs2019",headers="{covered}",signature="{forged}"'
    assert refusal(with_header(request, "signature", value)) is Reason.SIGNATURE_INVALID


def test_fedify_and_we_agree_on_multikeys() -> None:
    """The PEM and the Multikey of one RSA key, as Fedify renders them, are the same key to us."""
    actor = json.loads(document("fedify", "actor-alice"))
    first, second = (key["publicKeyMultibase"] for key in actor["assertionMethod"])
    algorithm, der = pem_to_der(actor["publicKey"]["publicKeyPem"])
    assert decode_multikey(first) == (algorithm, der)
    assert encode_multikey(der) == first
    assert decode_multikey(second)[0] == ED25519
    assert encode_multikey(decode_multikey(second)[1]) == second


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.KEY_MALFORMED),
        ("u6Mkh", Reason.KEY_MALFORMED),
        ("z0OIl", Reason.KEY_MALFORMED),
        ("z" + "6" * 5000, Reason.KEY_MALFORMED),
        ("z", Reason.KEY_UNSUPPORTED),
        (encode_base58btc(b"\xed\x01short"), Reason.KEY_MALFORMED),
        (encode_base58btc(b"\x85\x24garbage"), Reason.KEY_MALFORMED),
        (encode_base58btc(b"\x80\x24" + bytes(33)), Reason.KEY_UNSUPPORTED),
    ],
)
def test_multikeys_that_are_refused(text: str, reason: Reason) -> None:
    """Other bases, other kinds of key and garbage are refused."""
    with pytest.raises(Refused) as refused:
        decode_multikey(text)
    assert refused.value.why is reason


@given(st.binary(max_size=64))
def test_base58_returns_what_it_was_given(data: bytes) -> None:
    """Every byte string survives base58btc, zeros in front included."""
    assert decode_base58btc(encode_base58btc(data)) == data


@given(st.text(max_size=300))
def test_no_pem_raises_anything_but_a_refusal(text: str) -> None:
    """Whatever stands in publicKeyPem or publicKeyMultibase, reading it ends in a key or a refusal."""
    for read in (pem_to_der, decode_multikey):
        for candidate in (text, f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----", f"z{text}"):
            with pytest.raises(Refused):
                read(candidate)


@given(st.binary(max_size=400))
def test_no_der_raises_anything_but_a_refusal(der: bytes) -> None:
    """Whatever bytes were stored as a key, loading them ends in a key or a refusal."""
    with pytest.raises(Refused):
        load_public(RSA, der)


def test_a_parsed_key_is_kept() -> None:
    """Loading the same key again costs nothing."""
    assert load_public(RSA, RSA_PAIR.public) is load_public(RSA, RSA_PAIR.public)
    assert load_private(RSA_PAIR.private) is load_private(RSA_PAIR.private)


@given(st.binary(max_size=2000), st.text(max_size=20))
def test_what_is_sealed_opens_again(plaintext: bytes, context: str) -> None:
    """A sealed key opens with the same secret and context, and never shows its contents."""
    sealed = seal("secret", plaintext, context)
    assert open_sealed("secret", sealed, context) == plaintext
    assert sealed != seal("secret", plaintext, context)
    assert len(plaintext) < 8 or plaintext not in sealed


@pytest.mark.parametrize(
    ("secret", "context", "flip"),
    [("other", "a", None), ("secret", "b", None), ("secret", "a", 0), ("secret", "a", 20)],
)
def test_what_was_tampered_with_stays_closed(secret: str, context: str, flip: int | None) -> None:
    """Another secret, another place and a flipped byte are all noticed."""
    sealed = bytearray(seal("secret", b"private", "a"))
    if flip is not None:
        sealed[flip] ^= 1
    with pytest.raises(SealBroken):
        open_sealed(secret, bytes(sealed), context)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(12), b"\x02" + bytes(40)])
def test_what_never_was_sealed_stays_closed(sealed: bytes) -> None:
    """Bytes that are no seal are refused, not crashed on."""
    with pytest.raises(SealBroken):
        open_sealed("secret", sealed)


def test_ed25519_keys_load_under_their_own_name_only() -> None:
    """An Ed25519 key stored as RSA is refused."""
    assert isinstance(load_public(ED25519, ED25519_PAIR.public), ed25519.Ed25519PublicKey)
    with pytest.raises(Refused):
        load_public(RSA, ED25519_PAIR.public)
