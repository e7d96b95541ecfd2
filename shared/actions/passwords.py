"""Passwords, hashed with Argon2id (RFC 9106)."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.protocol.errors import Rejected

MIN_LENGTH = 8
MAX_LENGTH = 256
"""Characters. Longer ones would only cost time."""

DUMMY = "$argon2id$v=19$m=65536,t=3,p=4$ry7PQe7pFqK7ohpIg1g8/A$abzjY8WlL3BHmmq9fmwa6Cvch2C2XtvBtqiucGglU5U"
"""The hash of no password: looked at where a name does not exist, so that both cases take equally long."""

_hasher = PasswordHasher()


class WeakPassword(Rejected):
    """The password is too short or too long."""

    reason = "weak_password"


def hash_password(password: str) -> str:
    """Return the hash to store; raises WeakPassword. Takes some 50 ms of CPU: run it in a thread."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise WeakPassword(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters")
    return _hasher.hash(password)


def verify(password_hash: str, password: str) -> bool:
    """Tell whether a password fits its hash. Takes some 50 ms of CPU: run it in a thread."""
    try:
        return _hasher.verify(password_hash or DUMMY, password[:MAX_LENGTH])
    except (VerificationError, InvalidHashError):
        return False
