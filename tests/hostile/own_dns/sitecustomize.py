"""Found first on the path of the services under attack: their DNS is the attacker's.

A module of this name is loaded by Python itself at its start.
"""

import os
from collections.abc import Sequence
from typing import Any

import aiodns

_real = aiodns.DNSResolver


def _hostile(nameservers: Sequence[str] | None = None, **options: Any) -> aiodns.DNSResolver:
    return _real(nameservers or [os.environ["HOSTILE_DNS"]], **options)


if "HOSTILE_DNS" in os.environ:
    setattr(aiodns, "DNSResolver", _hostile)  # noqa: B010 - a class gives way to a function
