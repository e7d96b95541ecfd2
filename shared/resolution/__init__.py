"""Layer 5: finding actors, posts and keys on other servers, and believing only what proves itself."""

from shared.resolution.blocks import DomainBlocks
from shared.resolution.instance_signer import instance_signer
from shared.resolution.resolver import Resolver

__all__ = ["DomainBlocks", "Resolver", "instance_signer"]
