"""What a Create costs on a site that knows a thousand, and a million, accounts and posts.

`HEDDLE_BENCH_MOST` (by default a million, which takes minutes to fill) is the largest size. The curve is also
drawn, into `growth.svg` beside the kept figures.
"""

import math
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from rich.console import Console

from services.load_generator.plots import Line, Plot, svg
from tests.bench.accounting import Cost
from tests.bench.cases.inbound import WARM_UP, Creates, let_locals_follow
from tests.bench.posting import costs, send, signed
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import Surroundings, surroundings
from tests.infrastructure import Infrastructure

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ACTORS = 200
PICTURE = Path(__file__).parents[3] / ".local/bench/growth.svg"
_CHUNK = 50_000

# Ids that sort by time, a second apart, as if these had come in over the last weeks.
_ID = "((extract(epoch FROM now()) - 2000000 + n)::bigint * 1000 << 22) + n % 4096"

_ACTORS = f"""
INSERT INTO actors (id, uri, uri_hash, local, kind, username, domain, inbox, followers_uri)
SELECT {_ID}, uri, substring(sha256(uri::bytea) for 16), false, 0, 'user' || n, domain,
       uri || '/inbox', uri || '/followers'
  FROM generate_series($1::integer, $2::integer) n
 CROSS JOIN LATERAL (SELECT format('server%s.example', n % 10000) AS domain) d
 CROSS JOIN LATERAL (SELECT format('https://%s/users/user%s', domain, n) AS uri) u
"""  # noqa: S608 - constants

_POSTS = f"""
INSERT INTO statuses (id, uri, uri_hash, url, local, actor_id, conversation_id, visibility, content,
                      created_at)
SELECT id, uri, substring(sha256(uri::bytea) for 16), uri, false, actor_id, id, 0,
       '<p>' || repeat(md5(n::text) || ' ', 8) || '</p>', to_timestamp((id >> 22) / 1000.0)
  FROM generate_series($1::integer, $2::integer) n
 CROSS JOIN LATERAL (SELECT {_ID} AS id) i
 CROSS JOIN LATERAL (SELECT format('https://server%s.example/notes/%s', n % 10000, n) AS uri) u
  JOIN LATERAL (SELECT a.id AS actor_id FROM actors a
                 WHERE a.uri_hash = substring(sha256(format('https://server%s.example/users/user%s',
                                                            n % 10000, n)::bytea) for 16)) a ON true
"""  # noqa: S608 - constants


async def grow(around: Surroundings, size: int) -> None:
    """Have the site know so many actors, each with a post."""
    for statement in (_ACTORS, _POSTS):
        for first in range(0, size, _CHUNK):
            await around.connection.execute(statement, first, min(first + _CHUNK, size) - 1)
    await around.connection.execute("VACUUM (ANALYZE) actors, statuses")


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Figures]:
    """Return, for each run, what an item costs at each size, in all and by component.

    Each size is a site of its own, and they take turns: what else the machine does touches all alike.
    """
    most = int(os.environ.get("HEDDLE_BENCH_MOST", str(SIZES[-1])))
    found: dict[int, list[Cost]] = {size: [] for size in SIZES if size <= most}
    async with AsyncExitStack() as stack:
        sites = {size: await stack.enter_async_context(_site_of(infrastructure, size)) for size in found}
        for _ in range(runs):
            for size, (around, creates) in sites.items():
                found[size] += await costs(around, creates, items=items, runs=1)
    draw(found)
    return [Figures(_figures({size: of[run] for size, of in found.items()})) for run in range(runs)]


@asynccontextmanager
async def _site_of(infrastructure: Infrastructure, size: int) -> AsyncIterator[tuple[Surroundings, Creates]]:
    async with surroundings(infrastructure, hosts=10, actors_per_host=ACTORS // 10) as around:
        creates = Creates(around.population)
        await send(around, signed(around, creates(ACTORS)))
        await let_locals_follow(around)
        await grow(around, size)
        await send(around, signed(around, creates(WARM_UP)))
        yield around, creates


def _figures(by_size: Mapping[int, Cost]) -> dict[str, float]:
    return {
        f"{size:,} {part}": value
        for size, cost in by_size.items()
        for part, value in (*cost.micros.items(), ("total", cost.total))
    }


def draw(found: Mapping[int, Sequence[Cost]]) -> None:
    """Draw what each component costs at each size, in the median of the runs."""
    parts: dict[str, list[tuple[float, float]]] = {}
    for size, of in found.items():
        parts.setdefault("total", []).append((math.log10(size), median(cost.total for cost in of)))
        for part in of[0].micros:
            middle = median(cost.micros[part] for cost in of)
            parts.setdefault(part, []).append((math.log10(size), middle))
    plot = Plot(
        title="CPU per incoming post, by size of the site",
        x="accounts, and as many posts: 10 to the power of",
        y="CPU µs per item",
        lines=[Line(name=part, points=points, dots=True) for part, points in parts.items()],
    )
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(svg(plot, standalone=True))
    Console(stderr=True).print(f"Drawn in {PICTURE}")


CASE = Case(
    name="growth",
    title="Create with 5 local followers, on a site of so many accounts and posts",
    measure=measure,
    items=2000,
    order=90,
    by_default=False,
)
