"""The verifier's pure parts."""
