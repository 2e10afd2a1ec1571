# SPDX-License-Identifier: Apache-2.0
"""A database of every schema there ever was is used by today's program, beside the release that made it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from importlib.resources import files
from typing import Any

import asyncpg
import pytest

from tests import postgres
from vvm.store.postgres.schema import _FIRST, COMPATIBLE, VERSION, prepare

pytestmark = pytest.mark.peers
_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
 WHERE table_schema = 'public'
UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
 ORDER BY 1, 2
"""


@pytest.fixture(params=range(1, VERSION))
async def old(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The URL of a database with the schema of an older release."""
    name = f"old_{request.param}"
    await postgres.administer(f"CREATE DATABASE {name}")
    url = postgres.server().url(name)
    connection: Any = await asyncpg.connect(url)
    await connection.execute(_FIRST)
    await connection.execute("INSERT INTO schema_version VALUES (0, 0, 4, '')")
    for number in range(1, request.param + 1):
        step = files("vvm.store.postgres.migrations").joinpath(f"{number:04}.pre.sql")
        await connection.execute(step.read_text(encoding="utf-8"))
    await connection.execute("UPDATE schema_version SET version = $1, compatible = 1", request.param)
    await connection.close()
    yield url
    await postgres.administer(f"DROP DATABASE {name} WITH (FORCE)")


async def look(url: str, statement: str) -> Sequence[Sequence[object]]:
    connection: Any = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_an_upgraded_database_is_like_a_new_one(old: str) -> None:
    await prepare(old, postgres.SETTINGS, finish=True)
    async with postgres.database() as new:
        assert [row[:3] for row in await look(old, _COLUMNS)] == [
            row[:3] for row in await look(new, _COLUMNS)
        ]


async def test_older_releases_are_shut_out_when_the_operator_says_so(old: str) -> None:
    beside = await prepare(old, postgres.SETTINGS)
    assert (beside.version, beside.compatible) == (VERSION, COMPATIBLE)
    assert await prepare(old, postgres.SETTINGS) == beside
    alone = await prepare(old, postgres.SETTINGS, finish=True)
    assert (alone.version, alone.compatible, alone.post) == (VERSION, VERSION, VERSION)
    assert await prepare(old, postgres.SETTINGS) == alone


async def test_a_release_that_is_too_old_does_not_start_then(old: str) -> None:
    await prepare(old, postgres.SETTINGS, finish=True)
    assert await look(old, "SELECT compatible FROM schema_version") == [(VERSION,)]
