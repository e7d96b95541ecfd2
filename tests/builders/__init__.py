"""Makes what tests need: documents as other servers send them (`wire`), and parsed ones (`parsed`).

Each function has defaults for everything, so that a test names only what it is about.
"""
