"""Texts: what others wrote is made safe, what people here write becomes HTML."""

from shared.protocol.text.compose import ActorLink, Scan, render, render_field, scan
from shared.protocol.text.hashtags import normalise_tag
from shared.protocol.text.plain import excerpt, plain_text
from shared.protocol.text.sanitise import clean_line, clean_text, sanitise_html

__all__ = [
    "ActorLink",
    "Scan",
    "clean_line",
    "clean_text",
    "excerpt",
    "normalise_tag",
    "plain_text",
    "render",
    "render_field",
    "sanitise_html",
    "scan",
]
