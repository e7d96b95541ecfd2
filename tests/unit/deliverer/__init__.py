"""The deliverer's pure parts."""
