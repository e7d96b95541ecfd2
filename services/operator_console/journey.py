"""One activity's whole way: what it did here, why it did not, where it was sent."""

from msgspec import Struct

from shared.database import claims, delivery_reports, refusals
from shared.database.claims import ClaimRow
from shared.database.delivery_reports import DeliveryReport, SentReport
from shared.database.pool import Connection
from shared.database.refusals import Refusal
from shared.protocol.identifiers import uri_hash


class Journey(Struct, frozen=True, kw_only=True):
    """What is known of an activity."""

    activity: str
    applied: list[ClaimRow]
    refused: list[Refusal]
    sent: SentReport | None
    deliveries: list[DeliveryReport]

    @property
    def known(self) -> bool:
        """Whether the activity ever came by."""
        return bool(self.applied or self.refused or self.sent)


async def journey_of(conn: Connection, activity_uri: str) -> Journey:
    """Return what is known of the activity with this id."""
    return Journey(
        activity=activity_uri,
        applied=await claims.of_activity(conn, activity_uri, uri_hash(activity_uri)),
        refused=await refusals.of_activity(conn, activity_uri),
        sent=await delivery_reports.sent_activity(conn, activity_uri),
        deliveries=await delivery_reports.deliveries_of(conn, activity_uri),
    )
