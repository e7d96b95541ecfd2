"""Edits of stored posts: whatever order they arrive in, the newest is shown and the others are history."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from services.timeline_builder import quoting
from services.timeline_builder.effects import Run
from services.timeline_builder.posts import tell_mentioned, write_names
from shared.database import edits, status_names
from shared.database.edits import Revision, Version
from shared.database.statuses import StatusRow
from shared.protocol.activities import UpdateNote
from shared.protocol.objects import Note

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(UpdateNote)


class Edit(Struct, frozen=True, kw_only=True):
    """A version of a stored post and since when it is so."""

    status: StatusRow
    note: Note
    at: datetime


def pack(update: UpdateNote) -> bytes:
    """Return an Update as it waits for its post."""
    return _encoder.encode(update)


async def apply_early(run: Run, stored: Sequence[StatusRow]) -> None:
    """Apply the edits that came before these posts, which are new."""
    authors = {actor.id: actor.uri for actor in run.facts.actors.values()} if stored else {}
    early: list[Edit] = []
    for status in stored:
        for packed in run.facts.edits(status.uri, authors[status.actor_id]):
            note = _decoder.decode(packed).note
            if note.updated is not None:
                early.append(Edit(status=status, note=note, at=note.updated))
    await apply(run, early)


async def apply(run: Run, changes: Sequence[Edit]) -> None:
    """Show the newest version of each post and keep every other one as history."""
    newest: dict[int, Edit] = {}
    older: list[Edit] = []
    for edit in sorted(changes, key=lambda change: change.at):
        if edit.at > version_of(edit.status):
            if edit.status.id in newest:
                older.append(newest[edit.status.id])
            newest[edit.status.id] = edit
        elif edit.at > edit.status.created_at:
            older.append(edit)
    if older:
        await edits.insert(run.conn, [_version(edit) for edit in older])
    if newest:
        await _show(run, list(newest.values()))


def version_of(status: StatusRow) -> datetime:
    """Return since when a post has its present contents."""
    return status.edited_at or status.created_at


async def _show(run: Run, changes: Sequence[Edit]) -> None:
    ids = [edit.status.id for edit in changes]
    await edits.keep_versions(run.conn, ids)
    await edits.revise(run.conn, [_revision(edit) for edit in changes])
    await status_names.drop_mentions_and_tags(run.conn, ids)
    await write_names(run, [(edit.status.id, edit.note) for edit in changes])
    await quoting.renew_terms(run, [edit.note for edit in changes])
    for edit in changes:
        revised = msgspec.structs.replace(edit.status, edited_at=edit.at)
        run.facts.posts[edit.status.uri] = revised
        run.fan_out(edit.status.id)
        run.changes.edit(edit.status.id)
        tell_mentioned(run, revised, edit.note)


def _version(edit: Edit) -> Version:
    note = edit.note
    return Version(
        status_id=edit.status.id,
        created_at=edit.at,
        content=note.content,
        spoiler_text=note.summary,
        sensitive=note.sensitive or bool(note.summary),
        attachments=note.attachments,
        emojis=note.emojis,
    )


def _revision(edit: Edit) -> Revision:
    note = edit.note
    return Revision(
        id=edit.status.id,
        url=note.url or note.id,
        title=note.name,
        content=note.content,
        source="",
        spoiler_text=note.summary,
        language=note.language,
        sensitive=note.sensitive or bool(note.summary),
        quote_uri=note.quote,
        attachments=note.attachments,
        emojis=note.emojis,
        poll=note.poll,
        edited_at=edit.at,
    )
