# SPDX-License-Identifier: Apache-2.0
"""A step of the schema changes a table under a node that has read it."""

from __future__ import annotations

import asyncpg
import pytest

from tests import postgres
from vvm.store.metrics import NoCommitMetrics
from vvm.store.postgres.engine import Connection, numbered, opened

pytestmark = pytest.mark.peers

_TEXTS = ("SELECT * FROM thing ORDER BY id LIMIT :most", "SELECT * FROM thing WHERE id <= :most")


@pytest.mark.parametrize("text", _TEXTS, ids=("planned anew", "planned once"))
async def test_what_reads_all_of_its_columns_reads_the_new_one_too(text: str) -> None:
    """The driver does that by itself, but within a transaction it cannot."""
    statement, most = numbered(text), {"most": 5}

    async def work(connection: Connection) -> list[object]:
        return [tuple(row) for row in await connection.all(statement, most)]

    async with (
        postgres.database() as url,
        opened(url, postgres.SETTINGS, NoCommitMetrics()) as database,
    ):
        other = await asyncpg.connect(url)
        try:
            await other.execute("CREATE TABLE thing (id bigint); INSERT INTO thing VALUES (1)")
            assert [tuple(row) for row in await database.all(statement, most)] == [(1,)]
            await other.execute("ALTER TABLE thing ADD COLUMN size bigint DEFAULT 7")
            assert [tuple(row) for row in await database.all(statement, most)] == [(1, 7)]
            await other.execute("ALTER TABLE thing ADD COLUMN kind bigint DEFAULT 8")
            assert await database.write(work) == [(1, 7, 8)]
        finally:
            await other.close()
