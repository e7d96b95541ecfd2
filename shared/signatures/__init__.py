"""Layer 2, pure: keys, digests, signatures and proofs; bytes in, a verdict with its reason out."""
