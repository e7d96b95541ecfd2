"""HTTP Message Signatures (RFC 9421), the part of it that the fediverse uses."""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import http_sf

from shared.signatures.refused import Reason, Refused
from shared.signatures.request import Fields, ParsedSignature, Scheme

RSA_V1_5 = "rsa-v1_5-sha256"
ED25519 = "ed25519"
ALGORITHMS = frozenset({"", RSA_V1_5, ED25519})

_MAX_HEADER = 8192
_MAX_COVERED = 32
_MAX_SIGNATURE = 1024
_MAX_TIME = 9_999_999_999
_ONE_SIGNATURE = re.compile(r"[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):[ \t]*")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_TEXTS = frozenset({"keyid", "alg", "nonce", "tag"})
_TIMES = frozenset({"created", "expires"})
_Parameters = dict[str, object]


def read_signature(inputs: str, signatures: str, fields: Fields) -> ParsedSignature:
    """Return what `Signature-Input` and `Signature` claim (section 4); raises Refused.

    One signature is taken: with several, the weakest would decide what counts as signed.
    """
    label, covered, parameters = _read_input(inputs)
    key_id = parameters.get("keyid")
    if not key_id:
        raise Refused(Reason.SIGNATURE_MALFORMED, "no keyid")
    return ParsedSignature(
        scheme=Scheme.RFC9421,
        key_id=cast("str", key_id),
        algorithm=cast("str", parameters.get("alg", "")).lower(),
        covered=covered,
        signature=_read_bytes(signatures, label),
        fields=fields,
        created=cast("int | None", parameters.get("created")),
        expires=cast("int | None", parameters.get("expires")),
        parameters=_serialise(covered, parameters),
    )


def _read_input(text: str) -> tuple[str, tuple[str, ...], _Parameters]:
    members = _read_dictionary(text)
    if len(members) > 1:
        raise Refused(Reason.SEVERAL_SIGNATURES, f"{len(members)} signatures")
    for label, member in members.items():
        items, parameters = member if isinstance(member, tuple) else (None, None)
        if isinstance(items, list) and isinstance(parameters, dict):
            return label, _read_covered(items), _checked(parameters)
    raise Refused(Reason.SIGNATURE_MALFORMED, "Signature-Input holds no list")


def _read_dictionary(text: str) -> dict[str, object]:
    if len(text) > _MAX_HEADER:
        raise Refused(Reason.SIGNATURE_MALFORMED, "the header is too long")
    try:
        parsed = http_sf.parse(text.encode("ascii"), tltype="dictionary", on_duplicate_key=_duplicate)
    except (http_sf.StructuredFieldError, ValueError) as error:
        raise Refused(Reason.SIGNATURE_MALFORMED, str(error)[:200]) from None
    return cast("dict[str, object]", parsed)


def _duplicate(name: str, where: str) -> None:
    raise Refused(Reason.SIGNATURE_MALFORMED, f"{name[:64]!r} comes twice in the {where}")


def _read_covered(items: list[tuple[object, _Parameters]]) -> tuple[str, ...]:
    covered: list[str] = []
    for name, parameters in items:
        # `;req`, `;sf`, `;key`, `;bs` and `;tr` have no use in signing a delivery.
        if not isinstance(name, str) or parameters:
            raise Refused(Reason.COMPONENT_UNSUPPORTED, "a component with parameters")
        if name not in _DERIVED and not _FIELD_NAME.fullmatch(name):
            raise Refused(Reason.COMPONENT_UNSUPPORTED, name[:64])
        covered.append(name)
    if len(covered) > _MAX_COVERED or len(set(covered)) != len(covered):
        raise Refused(Reason.SIGNATURE_MALFORMED, "too many components, or one of them twice")
    return tuple(covered)


def _checked(parameters: _Parameters) -> _Parameters:
    for name, value in parameters.items():
        if name in _TEXTS and not isinstance(value, str):
            raise Refused(Reason.SIGNATURE_MALFORMED, f"{name} is not a string")
        if name in _TIMES and (type(value) is not int or not 0 <= value <= _MAX_TIME):
            raise Refused(Reason.SIGNATURE_MALFORMED, f"{name} is not a Unix time")
    return parameters


def _serialise(covered: tuple[str, ...], parameters: _Parameters) -> str:
    # Section 2.3: the canonical form of RFC 9651, whatever spaces the sender wrote.
    names = '" "'.join(covered)
    text = [f'("{names}")' if covered else "()"]
    for name, value in parameters.items():
        if type(value) is int:
            text.append(f";{name}={value}")
        elif type(value) is str and '"' not in value and "\\" not in value:
            text.append(f';{name}="{value}"')
        else:
            rest = cast("http_sf.InnerListType", ([], {name: value}))
            text.append(http_sf.ser({"x": rest}).removeprefix("x=()"))
    return "".join(text)


def _read_bytes(text: str, label: str) -> bytes:
    if len(text) > _MAX_HEADER:
        raise Refused(Reason.SIGNATURE_MALFORMED, "the header is too long")
    plain = _ONE_SIGNATURE.fullmatch(text)
    signature = _decode(plain[2]) if plain and plain[1] == label else _read_member(text, label)
    if not 0 < len(signature) <= _MAX_SIGNATURE:
        raise Refused(Reason.SIGNATURE_MALFORMED, f"a signature of {len(signature)} bytes")
    return signature


def _decode(text: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raise Refused(Reason.SIGNATURE_MALFORMED, "the signature is not base64") from None


def _read_member(text: str, label: str) -> bytes:
    member = _read_dictionary(text).get(label)
    value = member[0] if isinstance(member, tuple) else member
    if not isinstance(value, bytes):
        raise Refused(Reason.SIGNATURE_MALFORMED, f"no signature under the label {label[:64]!r}")
    return value


def signature_base(method: str, target: str, origin: str, parsed: ParsedSignature) -> bytes:
    """Return the bytes that were signed (section 2.5); raises Refused.

    Args:
        method: As it was sent.
        target: Path and query as sent.
        origin: Scheme and authority under which we are known, which is what `@target-uri` begins with.
        parsed: What the signature claims.
    """
    lines = []
    for name in parsed.covered:
        derive = _DERIVED.get(name)
        value = derive(method, target, origin) if derive else parsed.fields.covered(name)
        lines.append(f'"{name}": {value}')
    lines.append(f'"@signature-params": {parsed.parameters}')
    return "\n".join(lines).encode()


def authority_of(origin: str) -> str:
    """Return host and port of an origin in lower case, without a default port (section 2.2.3)."""
    parts = urlsplit(origin)
    authority = parts.netloc.lower()
    default = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return authority.removesuffix(default) if default else authority


_DERIVED: dict[str, Callable[[str, str, str], str]] = {
    "@method": lambda method, _target, _origin: method,
    "@target-uri": lambda _method, target, origin: origin + target,
    "@authority": lambda _method, _target, origin: authority_of(origin),
    "@scheme": lambda _method, _target, origin: urlsplit(origin).scheme,
    "@request-target": lambda _method, target, _origin: target,
    "@path": lambda _method, target, _origin: target.partition("?")[0] or "/",
    "@query": lambda _method, target, _origin: "?" + target.partition("?")[2],
}
"""Section 2.2: what is derived from method, target and origin."""
