"""The ledger catches a target that loses, doubles, delays or reorders; a starved generator spoils its run."""

import asyncio
import contextlib
import os
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from services.load_generator.children import Ended
from services.load_generator.live import Progress
from services.load_generator.options import Options
from services.load_generator.results import Report
from services.load_generator.run import Run
from services.load_generator.scenario import Scenario, read
from shared.runtime.settings import load_settings
from tests.infrastructure import eventually
from tests.integration.load_generator.fake_target import FakeTarget
from tests.ports import free_port

pytestmark = pytest.mark.timeout(120)

FOLLOWS = """
title = "Follows"
late_after = 60.0
drain = 6.0
[fediverse]
hosts = 5
actors_per_host = 40
[traffic]
mix = { follow = 1 }
arrivals = "constant"
rate = 30
seconds = 2
[limits]
errors = 0.0
bad_signatures = 0
late = 0
"""

POSTS = """
title = "Posts"
drain = 6.0
[fediverse]
hosts = 4
actors_per_host = 2
[posts]
rate = 2
seconds = 1
followers = 4
deleted = 1.0
[limits]
out_of_order = 0
"""


def run_of(scenario: Scenario, target: FakeTarget, **options: object) -> Run:
    """Return a run against the fake target that looks at nothing but what arrives."""
    chosen = Options(
        origin=target.origin,
        recipients=["ada"],
        folder=target.folder,
        port=free_port(),
        **options,  # type: ignore[arg-type]  # whatever the test wants
    )
    return Run(scenario, chosen, load_settings({}), Progress(Console(quiet=True)))


async def report_of(folder: Path, fault: str, text: str = FOLLOWS) -> Report:
    """Run against a target with this fault."""
    async with FakeTarget(folder=folder, fault=fault) as target:
        return await run_of(read(text, "test"), target, token="token").go()


async def test_a_target_that_does_right_passes(folder: Path) -> None:
    """Sixty Follows, sixty Accepts, every signature checked: nothing is lost and the verdict is passed."""
    report = await report_of(folder, "")
    stage = report.stages[0]
    assert report.verdict in {"passed", "invalid"}, report.checks
    assert (stage.account.owed, stage.account.settled) == (60, 60)
    assert (stage.account.lost, stage.account.doubled, stage.account.late) == (0, 0, 0)
    assert stage.outbound is not None
    assert stage.outbound.signatures == {"valid": 60}


async def test_a_run_takes_its_follows_back(folder: Path) -> None:
    """Every Follow is followed by its Undo in the end: no later post goes to servers that are no more."""
    async with FakeTarget(folder=folder) as target:
        await run_of(read(FOLLOWS, "test"), target).go()
        follows = [one for one in target.received if "#follows/" in one and not one.endswith("/undo")]
        undone = [one.removesuffix("/undo") for one in target.received if one.endswith("/undo")]
    assert len(follows) == 60
    assert sorted(undone) == sorted(follows)


async def test_several_generators_are_one_run(folder: Path) -> None:
    """Three processes send the plan of one between them: each Follow once, and one account of it all."""
    async with FakeTarget(folder=folder) as target:
        report = await run_of(read(FOLLOWS, "test"), target, generators=3).go()
        follows = [one for one in target.received if "#follows/" in one and not one.endswith("/undo")]
    stage = report.stages[0]
    assert len(follows) == len(set(follows)) == stage.sent == 60
    assert (stage.account.settled, stage.account.lost, stage.account.doubled) == (60, 0, 0)
    assert stage.generators.processes == 3


async def test_what_is_lost_is_counted(folder: Path) -> None:
    """A target that drops every fifth activity after its 202 is told of exactly those twelve."""
    report = await report_of(folder, "loses")
    account = report.stages[0].account
    assert (account.settled, account.lost) == (48, 12)
    assert len(account.examples["lost"]) == 10
    assert report.verdict == "failed"


async def test_what_happens_twice_is_counted(folder: Path) -> None:
    """A target that answers every fifth Follow twice is told of exactly those twelve."""
    report = await report_of(folder, "doubles")
    account = report.stages[0].account
    assert (account.settled, account.doubled, account.lost) == (60, 12, 0)
    assert report.verdict == "failed"


async def test_what_is_late_is_counted(folder: Path) -> None:
    """A target that holds every fifth answer back for two seconds is told of those twelve, at least."""
    report = await report_of(folder, "delays", FOLLOWS.replace("late_after = 60.0", "late_after = 1.0"))
    account = report.stages[0].account
    assert account.lost == 0
    assert account.late >= 12
    assert not next(check for check in report.checks if check.name == "late").passed


async def test_what_overtakes_is_counted(folder: Path) -> None:
    """A Delete that reaches each of four servers before its Create is out of order there."""
    report = await report_of(folder, "reorders", POSTS)
    outbound = report.stages[0].outbound
    assert outbound is not None
    assert outbound.posts == 2
    assert outbound.account.out_of_order == 8
    assert report.verdict == "failed"


async def test_posts_in_order_pass(folder: Path) -> None:
    """Two posts, each deleted again, reach four servers in order: sixteen deliveries, all settled."""
    report = await report_of(folder, "", POSTS)
    outbound = report.stages[0].outbound
    assert outbound is not None
    assert (outbound.account.owed, outbound.account.settled) == (16, 16)
    assert (outbound.account.lost, outbound.account.out_of_order) == (0, 0)


async def test_forged_deliveries_are_seen(folder: Path) -> None:
    """Deliveries signed with another key fail the run, though all of them arrive."""
    report = await report_of(folder, "forges")
    check = next(check for check in report.checks if check.name == "bad_signatures")
    assert (check.measured, check.passed) == (60, False)


async def test_refusals_are_errors_not_losses(folder: Path) -> None:
    """Who answers 500 has promised nothing: errors, and no losses."""
    report = await report_of(folder, "refuses")
    stage = report.stages[0]
    assert (stage.errors, stage.account.lost, stage.account.owed) == (60, 0, 0)
    assert report.verdict == "failed"


async def test_a_starved_generator_spoils_its_run(folder: Path) -> None:
    """A generator process that stands still for a second and a half marks the run invalid."""
    text = FOLLOWS.replace("seconds = 2", "seconds = 4").replace("late = 0", "late = 1000")
    async with FakeTarget(folder=folder) as target:
        going = asyncio.create_task(run_of(read(text, "test"), target).go())
        await eventually(lambda: len(target.received) > 40, "the load", seconds=60)
        (generator,) = _generators()
        generator.suspend()
        await asyncio.sleep(1.5)  # the starvation itself
        generator.resume()
        report = await going
    assert report.verdict == "invalid"
    assert any("late" in reason for reason in report.invalid)
    assert report.stages[0].account.lost == 0


async def test_ctrl_c_ends_with_a_report_of_what_was_done(folder: Path) -> None:
    """An interrupted run sends no more, waits for what it sent, and accounts for it."""
    text = FOLLOWS.replace("seconds = 2", "seconds = 60")
    async with FakeTarget(folder=folder) as target:
        run = run_of(read(text, "test"), target)
        going = asyncio.create_task(run.go())
        await eventually(lambda: len(target.received) > 30, "the load", seconds=60)
        begun = time.monotonic()
        run.interrupt()
        report = await going
    assert report.verdict == "interrupted"
    assert time.monotonic() - begun < 20
    assert 30 < report.stages[0].sent < 1000
    assert report.stages[0].account.lost == 0


async def test_an_interrupted_run_posts_no_more_and_calls_nothing_lost(folder: Path) -> None:
    """Ctrl-C stops the posts, too; what had not arrived by then is waiting, for nobody looked long enough."""
    text = POSTS.replace("seconds = 1", "seconds = 60").replace("deleted = 1.0", "deleted = 0.0")
    async with FakeTarget(folder=folder, fault="delays") as target:
        run = run_of(read(text, "test"), target, token="token")
        going = asyncio.create_task(run.go())
        await eventually(lambda: len(target.published) > 2, "posts", seconds=60)
        run.interrupt()
        report = await asyncio.wait_for(going, 60)
    outbound = report.stages[0].outbound
    assert outbound is not None
    assert report.verdict == "interrupted"
    assert 2 < outbound.posts < 30
    assert outbound.account.lost == 0
    assert report.invalid == []


async def test_a_killed_generator_ends_the_run(folder: Path) -> None:
    """A run whose generator is killed says so and ends, and none of its processes lives on."""
    text = FOLLOWS.replace("seconds = 2", "seconds = 60")
    async with FakeTarget(folder=folder) as target:
        going = asyncio.create_task(run_of(read(text, "test"), target).go())
        await eventually(lambda: len(target.received) > 20, "the load", seconds=60)
        (generator,) = _generators()
        family = [generator, *generator.children(recursive=True)]
        generator.kill()
        with pytest.raises(Ended, match="generate"):
            await asyncio.wait_for(going, 60)
        await eventually(lambda: not any(map(_runs, family)), "the signers to end", seconds=60)


async def test_a_run_whose_servers_die_ends(folder: Path) -> None:
    """A target is not blamed for what it could not deliver: the run says that its own servers have died."""
    text = FOLLOWS.replace("seconds = 2", "seconds = 60")
    async with FakeTarget(folder=folder) as target:
        going = asyncio.create_task(run_of(read(text, "test"), target).go())
        await eventually(lambda: len(target.received) > 20, "the load", seconds=60)
        (servers,) = _processes("serve")
        servers.kill()
        with pytest.raises(Ended, match="serve"):
            await asyncio.wait_for(going, 60)
        await eventually(lambda: not _generators(), "the generator to end", seconds=60)


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _generators() -> list[psutil.Process]:
    return _processes("generate")


def _processes(role: str) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if role in child.cmdline():
                found.append(child)
    return found
