"""Draft-cavage-http-signatures-12, as the fediverse uses it."""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from functools import lru_cache

from shared.signatures.refused import Reason, Refused
from shared.signatures.request import Fields, ParsedSignature, Scheme

REQUEST_TARGET = "(request-target)"
CREATED = "(created)"
EXPIRES = "(expires)"
ALGORITHMS = frozenset({"", "rsa-sha256", "hs2019"})
"""Labels that are taken; `hs2019` says nothing, so the algorithm is the key's."""

_MAX_HEADER = 8192
_MAX_COVERED = 32
_MAX_SIGNATURE = 1024
_MAX_PARAMETERS = 16
_MAX_REMEMBERED = 512
"""Characters: what is longer is read each time, so that nobody fills the memory with it."""

_NOT_BEFORE = frozenset({"signature", "created", "expires"})
# Each part begins where the one before it ended, so reading is linear whatever comes.
_PARAMETER = re.compile(r'[ \t]*([A-Za-z]+)=(?:"([^"\\\r\n]*)"|([0-9]+(?:\.[0-9]+)?))[ \t]*(?:,(?=.)|\Z)')
_NAME = re.compile(r"[ \t]*([A-Za-z]+)=")
_COVERED = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+|\((?:request-target|created|expires)\)")


def read_signature(header: str, fields: Fields) -> ParsedSignature:
    """Return what a `Signature` header claims (section 2.1); raises Refused."""
    return _read_usual(header, fields) or read_in_full(header, fields)


def _read_usual(header: str, fields: Fields) -> ParsedSignature | None:
    """Return what a header claims that ends with its signature; None where it has to be read in full.

    What stands before is the same for all requests of an actor, unless it has a time in it.
    """
    before, _, end = header.rpartition(',signature="') if len(header) <= _MAX_HEADER else ("", "", "")
    if not 0 < len(before) <= _MAX_REMEMBERED or not before.isascii() or "created=" in before:
        return None
    said = read_before(before)
    if said is None or end[-1:] != '"':
        return None
    try:
        # Nothing but base64 passes here: no quote, and so no further parameter, can be in it.
        signature = _decode(end[:-1])
    except Refused:
        return None
    key_id, algorithm, covered = said
    return ParsedSignature(
        scheme=Scheme.CAVAGE,
        key_id=key_id,
        algorithm=algorithm,
        covered=covered,
        signature=signature,
        fields=fields,
    )


@lru_cache(maxsize=4096)
def read_before(text: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Return key id, algorithm and names of what is signed; None where there is more, or it is broken."""
    try:
        parameters = match_parameters(text)
        covered = _read_covered(parameters.get("headers", CREATED))
    except Refused:
        return None
    key_id = parameters.get("keyId")
    if not key_id or len(parameters) == _MAX_PARAMETERS or not parameters.keys().isdisjoint(_NOT_BEFORE):
        return None
    return key_id, parameters.get("algorithm", "").lower(), covered


def read_in_full(header: str, fields: Fields) -> ParsedSignature:
    """Return the same without what is remembered; raises Refused."""
    parameters = read_parameters(header)
    key_id, signature = parameters.get("keyId"), parameters.get("signature")
    if not key_id or not signature:
        raise Refused(Reason.SIGNATURE_MALFORMED, "no keyId or no signature")
    created, expires = parameters.get("created", ""), parameters.get("expires", "")
    return ParsedSignature(
        scheme=Scheme.CAVAGE,
        key_id=key_id,
        algorithm=parameters.get("algorithm", "").lower(),
        covered=_read_covered(parameters.get("headers", CREATED)),
        signature=_decode(signature),
        fields=fields,
        created=_seconds(created),
        expires=_fraction(expires),
        raw=(created, expires),
    )


def read_parameters(header: str) -> dict[str, str]:
    """Return the parameters of a `Signature` header by name, unquoted; raises Refused."""
    if len(header) > _MAX_HEADER:
        raise Refused(Reason.SIGNATURE_MALFORMED, "the header is too long")
    # All but numbers is quoted, and between the quotes stands the same for all requests of a server: finding
    # the quotes costs a fifth of matching the values, of which one is long.
    pieces = header.split('"')
    names = _names_between(tuple(pieces[::2])) if len(pieces) % 2 else ()
    if names and "\\" not in header and "\r" not in header and "\n" not in header:
        return dict(zip(names, pieces[1::2], strict=True))
    return match_parameters(header)


@lru_cache(maxsize=256)
def _names_between(separators: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of parameters that are all quoted, from what stands around the quotes; else none."""
    *before, end = separators
    names = []
    for place, text in enumerate(before):
        comma, rest = ("", text) if place == 0 else (text.strip(" \t")[:1], text.lstrip(" \t")[1:])
        match = _NAME.fullmatch(rest)
        if match is None or comma != ("," if place else ""):
            return ()
        names.append(match[1])
    usual = not end.strip(" \t") and len(set(names)) == len(names) <= _MAX_PARAMETERS
    return tuple(names) if usual else ()


def match_parameters(header: str) -> dict[str, str]:
    """Return the same by the grammar, one parameter after the other; raises Refused."""
    parameters: dict[str, str] = {}
    position, end = 0, len(header)
    while position < end:
        match = _PARAMETER.match(header, position)
        if match is None or match[1] in parameters or len(parameters) == _MAX_PARAMETERS:
            raise Refused(Reason.SIGNATURE_MALFORMED, f"at character {position}")
        parameters[match[1]] = match[2] if match[3] is None else match[3]
        position = match.end()
    return parameters


@lru_cache(maxsize=256)
def _read_covered(text: str) -> tuple[str, ...]:
    covered = tuple(text.lower().split(" ", _MAX_COVERED))
    if len(covered) > _MAX_COVERED or len(set(covered)) != len(covered):
        raise Refused(Reason.SIGNATURE_MALFORMED, "too many signed headers, or one of them twice")
    if not all(map(_COVERED.fullmatch, covered)):
        raise Refused(Reason.SIGNATURE_MALFORMED, "the names of the signed headers")
    return covered


def _decode(text: str) -> bytes:
    try:
        signature = a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raise Refused(Reason.SIGNATURE_MALFORMED, "the signature is not base64") from None
    if not 0 < len(signature) <= _MAX_SIGNATURE:
        raise Refused(Reason.SIGNATURE_MALFORMED, f"a signature of {len(signature)} bytes")
    return signature


def _seconds(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > len("9999999999"):
        raise Refused(Reason.SIGNATURE_MALFORMED, "created is not a Unix time")
    return int(text)


def _fraction(text: str) -> float | None:
    if not text:
        return None
    whole, dot, fraction = text.partition(".")
    seconds = _seconds(whole)
    if dot and (seconds is None or not fraction.isascii() or not fraction.isdigit()):
        raise Refused(Reason.SIGNATURE_MALFORMED, "expires is not a Unix time")
    return seconds if seconds is None or not dot else float(text)


def signing_string(method: str, target: str, parsed: ParsedSignature) -> bytes:
    """Return the bytes that were signed (section 2.3), for one spelling of the target; raises Refused."""
    lines = []
    for name in parsed.covered:
        if name == REQUEST_TARGET:
            lines.append(f"{REQUEST_TARGET}: {method.lower()} {target}")
        elif name[0] == "(":
            lines.append(f"{name}: {_pseudo(name, parsed)}")
        else:
            lines.append(f"{name}: {parsed.fields.covered(name)}")
    return "\n".join(lines).encode()


def _pseudo(name: str, parsed: ParsedSignature) -> str:
    # Sections 2.3.2 and 2.3.3: an error with algorithms that predate the two.
    value = parsed.raw[0 if name == CREATED else 1]
    if not value or parsed.algorithm == "rsa-sha256":
        raise Refused(Reason.COMPONENT_UNSUPPORTED, f"{name} without a value or with {parsed.algorithm}")
    return value


def signature_header(key_id: str, algorithm: str, covered: str, signature: str) -> str:
    """Return the value of a `Signature` header; without spaces, which GoToSocial does not take."""
    return f'keyId="{key_id}",algorithm="{algorithm}",headers="{covered}",signature="{signature}"'
