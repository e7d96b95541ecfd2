"""`heddle relay`."""

from tests.integration.console.command_line import Heddle

INBOX = "https://relay.example/inbox"


async def test_relays_are_added_listed_and_removed(heddle: Heddle) -> None:
    """A relay is asked once, listed with how far it has come, and gone from the list once it is removed."""
    assert (await heddle("relay", "list", "--json")).records() == []
    await heddle("relay", "add", INBOX)
    (listed,) = (await heddle("relay", "list", "--json")).records()
    assert (listed["inbox"], listed["state"], listed["actor_uri"]) == (INBOX, "requested", "")
    await heddle("relay", "add", INBOX, code=1)
    await heddle("relay", "add", "relay.example", code=1)
    await heddle("relay", "remove", INBOX)
    await heddle("relay", "remove", INBOX, code=1)
    assert (await heddle("relay", "list", "--json")).records() == []
