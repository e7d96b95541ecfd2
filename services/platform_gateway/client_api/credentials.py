"""PATCH update_credentials: a person changes their profile and settings."""

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType, field

from services.platform_gateway.auth import signed_in
from services.platform_gateway.client_api.drafts import VISIBILITIES, language_of, quote_policy_of
from services.platform_gateway.errors import invalid
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.media.uploads import UPLOADS
from services.platform_gateway.rendering.accounts import load_own_account
from services.platform_gateway.responses import answer
from shared.actions.profiles import Changes, update_profile
from shared.protocol.objects import Field, Visibility

SIZES = {"avatar": (400, 400), "header": (1500, 500)}
"""Pixels of the pictures of a profile."""


class SourceForm(Struct, kw_only=True):
    """Defaults for new posts."""

    privacy: str = ""
    sensitive: bool | UnsetType = UNSET
    language: str | UnsetType = UNSET
    quote_policy: str = ""


class FieldForm(Struct, kw_only=True):
    """One row of the profile's table."""

    name: str = ""
    value: str = ""


class CredentialsForm(Struct, kw_only=True):
    """What to change; the rest stays as it is."""

    display_name: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    bot: bool | UnsetType = UNSET
    discoverable: bool | UnsetType = UNSET
    indexable: bool | UnsetType = UNSET
    hide_collections: bool | UnsetType = UNSET
    fields_attributes: list[FieldForm] | UnsetType = UNSET
    source: SourceForm = field(default_factory=SourceForm)


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_patch("/api/v1/accounts/update_credentials", update_credentials)


async def update_credentials(request: web.Request) -> web.Response:
    """PATCH /api/v1/accounts/update_credentials."""
    author = (await signed_in(request, "write:accounts")).author
    form, files = await request.app[UPLOADS].read(request, CredentialsForm, frozenset(SIZES))
    changes = _changes(form)
    # An empty file says nothing: some clients always send one.
    pictures = {
        place: await request.app[UPLOADS].picture(content, fit=SIZES[place])
        for place, content in files.items()
        if content
    }
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        async with conn.transaction():
            await update_profile(conn, gateway.site, author, changes, pictures)
        return answer(await load_own_account(conn, author.id, gateway.site.uris))


def _changes(form: CredentialsForm) -> Changes:
    fields: tuple[Field, ...] | UnsetType = UNSET
    if form.fields_attributes is not UNSET:
        filled = (row for row in form.fields_attributes if row.name.strip() or row.value.strip())
        fields = tuple(Field(name=row.name.strip(), value=row.value.strip()) for row in filled)
    language: str | UnsetType | None = UNSET
    if form.source.language is not UNSET:
        language = language_of(form.source.language)
    return Changes(
        display_name=form.display_name,
        note=form.note,
        fields=fields,
        bot=form.bot,
        locked=form.locked,
        discoverable=form.discoverable,
        indexable=form.indexable,
        hide_collections=form.hide_collections,
        default_visibility=_privacy(form.source.privacy),
        default_sensitive=form.source.sensitive,
        default_language=language,
        default_quote_policy=quote_policy_of(form.source.quote_policy) if form.source.quote_policy else UNSET,
    )


def _privacy(word: str) -> Visibility | UnsetType:
    if not word:
        return UNSET
    if word not in VISIBILITIES:
        raise invalid("Default privacy is not included in the list")
    return VISIBILITIES[word]
