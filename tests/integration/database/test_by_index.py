"""Plans of young tables: a service whose statements are to go by index is not kept waiting for an ANALYZE."""

import pytest

from shared.database.pool import create_pool


@pytest.mark.parametrize(("by_index", "reads_all"), [(True, False), (False, True)])
async def test_plan_of_a_young_table(own_database_url: str, by_index: bool, reads_all: bool) -> None:
    """A few rows are found by index where that is asked for, though the table fits into a page by now."""
    async with await create_pool(own_database_url, application_name="test", by_index=by_index) as pool:
        await pool.execute(
            "CREATE TABLE young (id int PRIMARY KEY); INSERT INTO young VALUES (1); ANALYZE young"
        )
        plan = await pool.fetch("EXPLAIN SELECT id FROM young WHERE id = ANY($1::int[])", [1, 2, 3])
        assert any("Seq Scan" in row[0] for row in plan) is reads_all
