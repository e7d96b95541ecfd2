"""Changing one's own profile."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType

from shared.actions.errors import NotThere
from shared.actions.media import ORIGINAL, Picture, address, keep
from shared.actions.site import Site
from shared.actions.tell import tell
from shared.database import media
from shared.database.authors import Author
from shared.database.document_actors import actor_by_id
from shared.database.pool import Connection
from shared.database.profiles import (
    Profile,
    Sources,
    Written,
    write_picture,
    write_profile,
    write_sources,
    written,
)
from shared.protocol.activities import UpdateActor
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import ActorKind, Field, QuotePolicy, Visibility
from shared.protocol.text import clean_line, render, render_field

MAX_DISPLAY_NAME = 100
MAX_NOTE = 2000
MAX_FIELDS = 4
MAX_FIELD = 255


class BadProfile(Rejected):
    """A part of the profile is too long."""

    reason = "bad_profile"


class Changes(Struct, frozen=True, kw_only=True):
    """What to change; the rest stays as it is."""

    display_name: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    fields: tuple[Field, ...] | UnsetType = UNSET
    bot: bool | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    discoverable: bool | UnsetType = UNSET
    indexable: bool | UnsetType = UNSET
    hide_collections: bool | UnsetType = UNSET
    default_visibility: Visibility | UnsetType = UNSET
    default_sensitive: bool | UnsetType = UNSET
    default_language: str | UnsetType | None = UNSET
    default_quote_policy: QuotePolicy | UnsetType = UNSET


async def update_profile(
    conn: Connection,
    site: Site,
    author: Author,
    changes: Changes,
    pictures: Mapping[str, Picture] | None = None,
) -> None:
    """Change the author's profile and tell everybody who knows it; call it inside a transaction.

    Args:
        conn: The connection.
        site: This site.
        author: Whose profile it is.
        changes: Its texts and settings.
        pictures: By place, avatar or header.

    Raises:
        BadProfile: A part of it is too long.
    """
    before = await written(conn, author.id)
    if before is None:
        raise NotThere("Record not found")
    after = _changed(before, changes)
    _check(after)
    await write_sources(conn, author.id, _sources(after))
    earlier, shown = _profile(site, before), _profile(site, after)
    if shown == earlier and not pictures:
        return
    await write_profile(conn, author.id, shown)
    for place, picture in (pictures or {}).items():
        await _show(conn, site, author, place, picture)
    # What only this site acts on is nothing to tell others of.
    if pictures or shown != msgspec.structs.replace(earlier, hide_collections=shown.hide_collections):
        await _announce(conn, site, author)


async def _show(conn: Connection, site: Site, author: Author, place: str, picture: Picture) -> None:
    row = await keep(conn, site, author, picture)
    await media.show_at(conn, author.id, row.id, place)
    await write_picture(conn, author.id, place, address(site, row, ORIGINAL))


async def _announce(conn: Connection, site: Site, author: Author) -> None:
    document = await actor_by_id(conn, author.id)
    if document is None:
        raise NotThere("Record not found")
    now = datetime.now(UTC)
    update = UpdateActor(
        id=site.uris.profile_update(author.id, int(now.timestamp() * 1000)),
        actor=author.uri,
        to=(PUBLIC,),
        cc=(author.followers_uri,),
        published=now,
        profile=document.profile,
    )
    await tell(conn, author, update, here=False, away=True)


def _changed(before: Written, changes: Changes) -> Written:
    def pick(new: object, old: object) -> object:
        return old if new is UNSET else new

    kind: object = before.kind
    if changes.bot is not UNSET:
        kind = ActorKind.SERVICE if changes.bot else ActorKind.PERSON
    values = {
        "display_name": clean_line(
            str(pick(changes.display_name, before.display_name)), MAX_DISPLAY_NAME + 1
        ),
        "note_source": pick(changes.note, before.note_source),
        "field_sources": pick(changes.fields, before.field_sources),
        "kind": kind,
        "locked": pick(changes.locked, before.locked),
        "discoverable": pick(changes.discoverable, before.discoverable),
        "indexable": pick(changes.indexable, before.indexable),
        "hide_collections": pick(changes.hide_collections, before.hide_collections),
        "default_visibility": pick(changes.default_visibility, before.default_visibility),
        "default_sensitive": pick(changes.default_sensitive, before.default_sensitive),
        "default_language": pick(changes.default_language, before.default_language),
        "default_quote_policy": pick(changes.default_quote_policy, before.default_quote_policy),
    }
    return msgspec.structs.replace(before, **values)


def _check(profile: Written) -> None:
    if len(profile.display_name) > MAX_DISPLAY_NAME:
        raise BadProfile(f"Display name is too long (maximum is {MAX_DISPLAY_NAME} characters)")
    if len(profile.note_source) > MAX_NOTE:
        raise BadProfile(f"Note is too long (maximum is {MAX_NOTE} characters)")
    if len(profile.field_sources) > MAX_FIELDS:
        raise BadProfile(f"There are too many fields (maximum is {MAX_FIELDS})")
    if any(len(field.name) > MAX_FIELD or len(field.value) > MAX_FIELD for field in profile.field_sources):
        raise BadProfile(f"A field is too long (maximum is {MAX_FIELD} characters)")


def _sources(profile: Written) -> Sources:
    return Sources(
        note_source=profile.note_source,
        field_sources=profile.field_sources,
        default_visibility=profile.default_visibility,
        default_sensitive=profile.default_sensitive,
        default_language=profile.default_language,
        default_quote_policy=profile.default_quote_policy,
    )


def _profile(site: Site, profile: Written) -> Profile:
    return Profile(
        display_name=profile.display_name,
        summary=render(profile.note_source, mentions={}, tag_url=site.uris.tag_page),
        fields=[Field(name=field.name, value=render_field(field.value)) for field in profile.field_sources],
        kind=profile.kind,
        locked=profile.locked,
        discoverable=profile.discoverable,
        indexable=profile.indexable,
        hide_collections=profile.hide_collections,
    )
