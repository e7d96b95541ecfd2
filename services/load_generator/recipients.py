"""Whom a run writes to: accounts that were named, the token's owner, or one made for load tests."""

from collections.abc import Callable

from msgspec import Struct

from services.load_generator.account import prepare
from services.load_generator.options import Options
from services.load_generator.plan import Person
from services.load_generator.scenario import Scenario
from services.load_generator.target import NobodyThere, Target, handles
from shared.runtime.settings import Settings


class Recipients(Struct, frozen=True, kw_only=True):
    """Local accounts of the target, at least one, and its shared inbox."""

    people: list[Person]
    shared_inbox: str


async def find_recipients(
    target: Target,
    scenario: Scenario,
    options: Options,
    settings: Settings | None,
    say: Callable[[str], None],
) -> Recipients:
    """Return whom to write to, and let the target post where a token can be had; raises NobodyThere.

    Args:
        target: The target; it gets the token of an account that was made.
        scenario: Some need posts of the target.
        options: Name accounts.
        settings: Of the target, where it is this site's own.
        say: Is told of an account that was made.
    """
    names = list(options.recipients)
    if not target.token and settings is not None and options.own_account and settings.secret_key:
        prepared = await prepare(settings)
        target.token = prepared.token
        names = names or [prepared.name]
        say(f"Account: @{prepared.name}, made for load tests")
    if not names and target.token:
        names = [(await target.myself()).username]
    if not names:
        raise NobodyThere(f"whom to write to? --recipient NAME@{target.place.host} says it")
    found = [await target.person(handle) for handle in handles(names, target.place)]
    if (scenario.needs_posts or scenario.posts) and not target.token:
        raise NobodyThere("this scenario needs posts of the target: give --token of a local account")
    return Recipients(people=[person for person, _ in found], shared_inbox=found[-1][1])
