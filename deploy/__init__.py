"""How Heddle is set up and run."""
