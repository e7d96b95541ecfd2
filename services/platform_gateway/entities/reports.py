"""Reports."""

from msgspec import Struct

from services.platform_gateway.entities.accounts import Account


class Report(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/Report/."""

    id: str
    action_taken: bool = False
    action_taken_at: str | None = None
    category: str
    comment: str
    forwarded: bool
    created_at: str
    status_ids: list[str]
    rule_ids: list[str] = []
    target_account: Account
