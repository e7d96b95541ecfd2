"""Stored posts as the activities that brought them into the world."""

from shared.database.document_posts import DocumentPost
from shared.protocol.activities import Announce, Create
from shared.protocol.local_uris import LocalUris


def activity_of(post: DocumentPost, uris: LocalUris) -> Create | Announce:
    """Return the Create of a post or the Announce of a boost."""
    note = post.note
    if post.boost_of is not None:
        return Announce(
            id=uris.create(post.id),
            actor=note.attributed_to,
            object=post.boost_of,
            published=note.published,
            to=note.to,
            cc=note.cc,
        )
    return Create(
        id=uris.create(post.id),
        actor=note.attributed_to,
        note=note,
        published=note.published,
        to=note.to,
        cc=note.cc,
    )
