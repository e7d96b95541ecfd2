"""The kinds of activity that simulated actors send, and what each is expected to come to."""

from typing import Literal

from msgspec import Struct

Effect = Literal["once", "none", "any"]
"""What the ledger demands of an acknowledged one: exactly one effect, none at all, or nothing."""


class Kind(Struct, frozen=True, kw_only=True):
    """What is known of a kind of activity.

    `answer` says which answers are right: "2xx", or "any" where a refusal is as good. `after` names the
    kind of earlier activity that it needs. `posts` marks those that concern posts of the target.
    """

    about: str
    effect: Effect = "once"
    answer: Literal["2xx", "any"] = "2xx"
    after: str = ""
    posts: bool = False


KINDS: dict[str, Kind] = {
    "create": Kind(about="a public post that mentions a local account"),
    "reply": Kind(about="a reply to a local post", posts=True),
    "update": Kind(about="an edit of a post sent before", after="create"),
    "delete": Kind(about="a deletion of a post sent before", after="create"),
    "like": Kind(about="a Like of a local post", posts=True),
    "announce": Kind(about="a boost of a local post", posts=True),
    "follow": Kind(about="a Follow of a local account"),
    "unfollow": Kind(about="an Undo of a Follow sent before", after="follow"),
    "delete_actor": Kind(about="a deletion of an account nobody here knows, its key gone", effect="any"),
    "forged": Kind(about="signed with another actor's key", effect="none", answer="any"),
    "tampered": Kind(about="changed after signing", effect="none", answer="any"),
    "unsigned": Kind(about="without a signature", effect="none", answer="any"),
    "stale": Kind(about="signed two days ago", effect="none", answer="any"),
    "malformed": Kind(about="not JSON", effect="none", answer="any"),
}
HOSTILE = frozenset(name for name, kind in KINDS.items() if kind.effect == "none")
NEEDS_POSTS = frozenset(name for name, kind in KINDS.items() if kind.posts)
