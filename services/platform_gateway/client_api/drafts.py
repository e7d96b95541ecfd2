"""What a client asks to be posted, checked and completed with the account's own settings."""

from datetime import UTC, datetime

from msgspec import UNSET, Struct, UnsetType

from services.platform_gateway.errors import ApiError, invalid
from services.platform_gateway.parameters import Id
from services.platform_gateway.rendering.accounts import QUOTE_POLICY_NAMES
from shared.actions.media import Description
from shared.actions.polls import new_poll
from shared.actions.posts import Draft, Revision
from shared.database.api_statuses import StatusRow
from shared.database.authors import Author
from shared.protocol.objects import Poll, QuotePolicy, Visibility

MAX_CHARACTERS = 5000
"""Of a post and its content warning together; a link counts as it is written."""
MAX_LANGUAGE = 35
_AXES = 2

QUOTE_POLICIES = {name: policy for policy, name in QUOTE_POLICY_NAMES.items()}
VISIBILITIES = {
    "public": Visibility.PUBLIC,
    "unlisted": Visibility.UNLISTED,
    "private": Visibility.FOLLOWERS,
    "direct": Visibility.DIRECT,
}


class PollForm(Struct, kw_only=True):
    """A poll to be made; that counts are hidden until its end is nothing that other servers know."""

    options: list[str] = []
    expires_in: int | None = None
    multiple: bool = False
    hide_totals: bool = False


class MediaAttributes(Struct, kw_only=True):
    """What is said anew of a picture of a post."""

    id: Id = 0
    description: str | UnsetType = UNSET
    focus: str | UnsetType = UNSET


class EditForm(Struct, kw_only=True):
    """A post's texts and pictures; what is not supported yet is named, so that it can be refused."""

    status: str = ""
    spoiler_text: str | UnsetType = UNSET
    sensitive: bool | None = None
    language: str | None = None
    media_ids: list[Id] | UnsetType = UNSET
    media_attributes: list[MediaAttributes] = []
    poll: PollForm | None = None


class StatusForm(EditForm, kw_only=True):
    """A new post."""

    in_reply_to_id: Id | None = None
    visibility: str = ""
    scheduled_at: str = ""
    quoted_status_id: Id | None = None
    quote_approval_policy: str = ""


def refuse_extras(form: EditForm) -> None:
    """Refuse what would otherwise be dropped in silence."""
    if isinstance(form, StatusForm) and form.scheduled_at:
        raise invalid("Scheduled posts are not supported")


def draft_of(form: StatusForm, author: Author, application: str) -> Draft:
    """Return the post to publish."""
    spoiler = "" if form.spoiler_text is UNSET else form.spoiler_text
    media = () if form.media_ids is UNSET else tuple(form.media_ids)
    text, spoiler = _texts(form.status, spoiler, media=bool(media))
    if media and form.poll is not None and form.poll.options:
        raise invalid("Cannot attach media to a post with a poll")
    if form.visibility and form.visibility not in VISIBILITIES:
        raise invalid("Visibility is not included in the list")
    sensitive = author.default_sensitive if form.sensitive is None else form.sensitive
    return Draft(
        text=text,
        spoiler_text=spoiler,
        visibility=VISIBILITIES[form.visibility] if form.visibility else author.default_visibility,
        sensitive=sensitive or bool(spoiler),
        language=language_of(form.language) or author.default_language,
        in_reply_to_id=form.in_reply_to_id,
        application=application,
        poll=_poll(form.poll),
        media=media,
        quoted_id=form.quoted_status_id,
        quote_policy=(
            quote_policy_of(form.quote_approval_policy)
            if form.quote_approval_policy
            else author.default_quote_policy
        ),
    )


def quote_policy_of(name: str) -> QuotePolicy:
    """Return who may quote a post unasked."""
    if name not in QUOTE_POLICIES:
        raise invalid("Quote approval policy is not included in the list")
    return QUOTE_POLICIES[name]


def revision_of(form: EditForm, row: StatusRow) -> Revision:
    """Return the new texts of a post; what the client leaves out stays as it was."""
    _check_same(form.poll, row.poll)
    spoiler = row.spoiler_text if form.spoiler_text is UNSET else form.spoiler_text
    media = None if form.media_ids is UNSET else tuple(form.media_ids)
    shown = bool(row.attachments) if media is None else bool(media)
    text, spoiler = _texts(form.status, spoiler, media=shown)
    if media and row.poll is not None:
        raise invalid("Cannot attach media to a post with a poll")
    sensitive = row.sensitive if form.sensitive is None else form.sensitive
    return Revision(
        text=text,
        spoiler_text=spoiler,
        sensitive=sensitive or bool(spoiler),
        language=language_of(form.language) or row.language,
        media=media,
        descriptions=tuple(_description(one) for one in form.media_attributes),
    )


def _description(form: MediaAttributes) -> Description:
    return Description(
        id=form.id,
        text=form.description,
        focus=UNSET if form.focus is UNSET else focus_of(form.focus),
    )


def focus_of(text: str) -> tuple[float, float] | None:
    """Return the point `x,y` to keep in view, each from -1 to 1."""
    if not text:
        return None
    try:
        axes = [float(part) for part in text.split(",", _AXES)]
    except ValueError:
        raise invalid("Focus is not x,y") from None
    if len(axes) != _AXES or not all(-1 <= axis <= 1 for axis in axes):
        raise invalid("Focus is not x,y, each from -1 to 1")
    return axes[0], axes[1]


def _poll(form: PollForm | None) -> Poll | None:
    if form is None or not form.options:
        return None
    return new_poll(form.options, form.expires_in, multiple=form.multiple, now=datetime.now(UTC))


def _check_same(form: PollForm | None, poll: Poll | None) -> None:
    """Refuse to change a poll under those who voted; clients that edit a text send the same poll again."""
    if form is None or not form.options:
        return
    names = [] if poll is None else [option.name for option in poll.options]
    if poll is None or [name.strip() for name in form.options] != names or form.multiple != poll.multiple:
        raise invalid("A poll cannot be added or changed later")


def _texts(text: str, spoiler: str, *, media: bool) -> tuple[str, str]:
    if not text.strip() and not spoiler.strip() and not media:
        raise invalid("Text can't be blank")
    if len(text) + len(spoiler) > MAX_CHARACTERS:
        raise ApiError(422, f"Validation failed: Text character limit of {MAX_CHARACTERS} exceeded")
    return text.strip(), spoiler.strip()


def language_of(code: str | None) -> str | None:
    """Return a language tag (BCP 47) where it has the shape of one."""
    if not code:
        return None
    parts = code.split("-")
    if len(code) > MAX_LANGUAGE or not all(part.isascii() and part.isalnum() for part in parts):
        raise invalid("Language is invalid")
    return code
