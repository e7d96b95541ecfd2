"""What the verbs of `python -m deploy.local` do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from threading import Event
from typing import TextIO

from rich.console import Console

from deploy.local import postgres, state
from deploy.local.docker import docker_answers
from deploy.local.paths import LOCAL, ROOT, TEST_HOME, Home, SetupError, sites_home
from deploy.local.ports import parse_shift, server_ports, settled_shift
from deploy.local.processes import Record, end, is_alive
from deploy.local.say import say
from deploy.local.servers import Servers, choose_sources, given_by_others
from deploy.local.sites import PYTHON, Site, local_sites
from deploy.local.status import Status, look
from deploy.local.story import play
from deploy.local.story_cast import CAST
from deploy.local.supervisor import Supervisor

_STOP_WITHIN = 90.0


def run() -> int:
    """Run the sites in the foreground until Ctrl-C; play the story on their first start."""
    home = sites_home()
    if state.is_held(home):
        say("the local sites run already in the background; `make down` stops them")
        show_addresses(home)
        return 0
    return 0 if _supervisor(home).run(_first_minute, detached=False) else 1


def supervise() -> int:
    """Run the sites for `up`, which looks on and plays the story itself."""
    _supervisor(sites_home()).run(lambda _: True, detached=True)
    return 0


def up() -> int:
    """Run the sites in the background."""
    home = sites_home()
    if not state.is_held(home):
        _start_in_background(home)
    return 0 if _first_minute(Event()) else 1


def down() -> int:
    """Stop the sites, and whatever a crashed supervisor left behind."""
    home = sites_home()
    said = state.read(home)
    if said is None:
        say("the local sites are not running")
        return 0
    supervisor = Record(name="supervisor", pid=said.pid, created=said.created)
    if is_alive(supervisor):
        os.kill(supervisor.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_WITHIN
        while is_alive(supervisor):
            if time.monotonic() > deadline:
                raise SetupError(
                    f"The supervisor (process {supervisor.pid}) has not stopped; see {home.log}."
                )
            time.sleep(0.1)
    else:
        _end_left_behind(home)
    say("the local sites are stopped")
    return 0


def status() -> Status:
    """Look at what runs where."""
    home = sites_home()
    return look(home, _sites(home))


def story(*, again: bool) -> int:
    """Play the story on the running sites."""
    home = sites_home()
    if not state.is_held(home):
        raise SetupError("The local sites are not running; `make run` or `make up` starts them.")
    return 0 if play(home, _sites(home), again=again) else 1


def clean() -> int:
    """Remove the sites' data and what was fetched; the venv stays.

    With HEDDLE_LOCAL_HOME set, only that folder goes: what was fetched serves others, too.
    """
    home = sites_home()
    homes = [home, TEST_HOME] if home.folder == LOCAL else [home]
    for one in homes:
        if state.is_held(one):
            raise SetupError("The local sites or the tests are running; `make down` stops the sites.")
        _end_left_behind(one)
        postgres.forget(one)
    if home.data.exists():
        _servers(home, 0).forget_containers()
    shutil.rmtree(home.folder, ignore_errors=True)
    say(f"removed {home.folder}")
    return 0


def show_addresses(home: Home) -> None:
    """Print where to look and how to sign in."""
    console = Console(highlight=False, soft_wrap=True)
    console.print("\n[bold]Two sites that federate with each other[/bold]")
    for site in _sites(home):
        console.print(f"  [bold]{site.name}[/bold]  {site.origin}   operators: {site.console}")
        for role in CAST:
            if role.site == site.name:
                page = f"{site.origin}/@{role.name}"
                console.print(f"        {page:<42} sign in as {role.name} with {role.password}")
    shown = home.folder.relative_to(ROOT) if home.folder.is_relative_to(ROOT) else home.folder
    console.print(f"  Logs: {shown}/log   Environments: {shown}/loom.env, {shown}/mast.env")
    console.print("  Look at the pages above, sign in with any client of the Mastodon API, or try:")
    console.print(f"    set -a; . {shown}/loom.env; .venv/bin/heddle post ada 'Good morning'")
    console.print("    make status\n")


def _first_minute(stopping: Event) -> bool:
    """Play the story if it was never played to its end; then tell where to look."""
    home = sites_home()
    if not home.story.exists() and not _play_story(stopping):
        return stopping.is_set()
    show_addresses(home)
    return True


def _play_story(stopping: Event) -> bool:
    story = subprocess.Popen([PYTHON, "-m", "deploy.local", "story"], cwd=ROOT)
    while story.poll() is None:
        if stopping.wait(0.1):
            story.terminate()
            story.wait()
    return story.returncode == 0


def _end_left_behind(home: Home) -> None:
    if said := state.read(home):
        end(Record(name=p.name, pid=p.pid, created=p.created) for p in reversed(said.processes))
        home.state.unlink(missing_ok=True)


def _start_in_background(home: Home) -> None:
    home.log.mkdir(parents=True, exist_ok=True)
    with (home.log / "supervisor.log").open("w+") as log:
        supervisor = subprocess.Popen(
            [PYTHON, "-m", "deploy.local", "supervise"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with (home.log / "supervisor.log").open() as progress:
            while not _is_ready(home, supervisor.pid):
                _copy(progress)
                if supervisor.poll() is not None:
                    _copy(progress)
                    raise SetupError("The sites did not start; the lines above tell why.")
                time.sleep(0.1)
            _copy(progress)


def _is_ready(home: Home, supervisor: int) -> bool:
    said = state.read(home)
    return said is not None and said.pid == supervisor and said.phase == "ready"


def _copy(progress: TextIO) -> None:
    sys.stderr.write(progress.read())
    sys.stderr.flush()


def _supervisor(home: Home) -> Supervisor:
    shift = settled_shift(parse_shift(os.environ), home.data / "ports.json")
    return Supervisor(home, shift, _servers(home, shift), local_sites(shift))


def _servers(home: Home, shift: int) -> Servers:
    environ = given_by_others(os.environ, home)
    return Servers(home, server_ports(shift), choose_sources(environ, docker_answers), environ)


def _sites(home: Home) -> tuple[Site, Site]:
    file = home.data / "ports.json"
    return local_sites(settled_shift(None, file) if file.exists() else parse_shift(os.environ) or 0)
