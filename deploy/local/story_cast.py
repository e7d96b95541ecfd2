"""The people of the story: made with `heddle`, as an operator would."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from deploy.local import environment_file
from deploy.local.paths import ROOT, VENV, Home
from deploy.local.sites import Site, ordinary_environment
from deploy.local.story_client import StoryError


@dataclass(frozen=True, kw_only=True)
class Role:
    """Somebody with an account on one of the sites."""

    site: str
    name: str
    display_name: str

    @property
    def password(self) -> str:
        """To sign in with. These accounts live on this machine alone."""
        return f"{self.name}-on-{self.site}"


CAST = (
    Role(site="loom", name="ada", display_name="Ada"),
    Role(site="loom", name="grace", display_name="Grace"),
    Role(site="mast", name="linus", display_name="Linus"),
    Role(site="mast", name="margaret", display_name="Margaret"),
)


class Granted(Struct, frozen=True):
    """What `heddle account create` and `heddle token create` print, as far as it matters here."""

    access_token: str


async def sign_in(home: Home, site: Site, role: Role) -> str:
    """Return an access token, from a new account where there is none yet.

    Raises:
        StoryError: with the last word of `heddle`.
    """
    environment = environment_file.parse(site.environment_file(home).read_text())
    created = ("account", "create", role.name, "--display-name", role.display_name, "--federate")
    code, output, errors = await _heddle(environment, *created, "--password", role.password)
    if code:
        # Mostly because the account is there from an earlier telling.
        code, output, _ = await _heddle(environment, "token", "create", role.name)
    if code:
        last = (errors.strip().splitlines() or ["no reason given"])[-1]
        raise StoryError(f"the account {role.name} on {site.name} could not be made: {last}")
    return msgspec.json.decode(output, type=Granted).access_token


async def _heddle(environment: Mapping[str, str], *arguments: str) -> tuple[int, bytes, str]:
    process = await asyncio.create_subprocess_exec(
        VENV / "bin/heddle",
        *arguments,
        cwd=ROOT,
        env={**ordinary_environment(), **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode or os.EX_OK, output, errors.decode(errors="replace")
