"""How much of each thing is taken from one document; what goes beyond is left out."""

from typing import Final

RECIPIENTS: Final = 1000
TAGS: Final = 1000
EMOJIS: Final = 100
ALLOWED: Final = 100
ATTACHMENTS: Final = 16
FIELDS: Final = 20
POLL_OPTIONS: Final = 32
ALIASES: Final = 20
KEYS: Final = 10
FLAGGED: Final = 200
ANNOUNCED: Final = 20
MEMBERS: Final = 10_000
DOMAINS: Final = 50

NAME: Final = 500
TITLE: Final = 500
WARNING: Final = 5000
ALT_TEXT: Final = 10_000
OPTION: Final = 500
FIELD_NAME: Final = 255
FIELD_VALUE: Final = 2047
BIOGRAPHY: Final = 20_000
REACTION: Final = 100
REPORT: Final = 10_000
PIXELS: Final = 100_000
CAPABILITIES: Final = 100
VOTES: Final = 2**31 - 1
