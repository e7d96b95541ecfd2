"""Stored posts as the activities that brought them into the world."""

from msgspec.structs import replace

from shared.database.document_posts import DocumentPost
from shared.protocol.activities import Announce, Create
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import Note


def note_of(post: DocumentPost, uris: LocalUris) -> Note:
    """Return a post with the addresses of its collections."""
    context = "" if post.thread_id is None else uris.context(post.thread_id)
    return replace(post.note, replies=uris.replies(post.id), context=context)


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
        note=note_of(post, uris),
        published=note.published,
        to=note.to,
        cc=note.cc,
    )
