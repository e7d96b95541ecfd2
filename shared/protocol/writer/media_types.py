"""The media types of the documents written here."""

from typing import Final

ACTIVITY_JSON: Final = "application/activity+json"
LD_JSON: Final = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
JRD_JSON: Final = "application/jrd+json"
XRD_XML: Final = "application/xrd+xml"


def nodeinfo_type(version: str) -> str:
    """Return the media type of a NodeInfo document of this version."""
    return f'application/json; profile="http://nodeinfo.diaspora.software/ns/schema/{version}#"'
