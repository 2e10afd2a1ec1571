# SPDX-License-Identifier: Apache-2.0
"""vvm.store.check on a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from vvm.store.check import Found
from vvm.store.postgres.engine import OUTAGES, connect, outage, statements
from vvm.store.settings import PostgresSettings

_SQL = statements("check.sql")
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_ALONE = "LOCK TABLE subscriber, mailbox IN EXCLUSIVE MODE"
"""Whoever writes what a repair looks at locks a row of one of these first (docs/store.md)."""


class PostgresInspector:
    """vvm.store.check.Inspector.  It reads as a replica does: nobody waits for it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def knows(self, damage: str) -> bool:
        return damage in _SQL

    def repairs(self, damage: str) -> bool:
        return f"repair_{damage}" in _SQL

    async def find(self, damage: str, *, most: int) -> Found | None:
        statement = f"SELECT place, count(*) OVER () FROM ({_SQL[damage].text}) AS found LIMIT $1"  # noqa: S608 - from our file
        found = await self._connection.fetch(statement, most)
        return Found(found[0][1], [place for place, _ in found]) if found else None

    async def repair(self, damage: str) -> None:
        for statement in ("COMMIT", "BEGIN", _ALONE, _SQL[f"repair_{damage}"].text, "COMMIT", _SNAPSHOT):
            await self._connection.execute(statement)

    async def blobs(self, *, after: str, limit: int) -> Sequence[str]:
        statement = _SQL["blobs"]
        where = {"after": after, "limit": limit}
        return [key for (key,) in await self._connection.fetch(statement.text, *statement.arguments(where))]


@asynccontextmanager
async def inspect_postgres(url: str, settings: PostgresSettings) -> AsyncIterator[PostgresInspector]:
    """Raises Outage.  Statements take as long as they need."""
    connection = None
    try:
        connection = await connect(url, settings)
        await connection.execute(_SNAPSHOT)
        yield PostgresInspector(connection)
    except OUTAGES as error:
        raise outage(error) from error
    finally:
        if connection is not None:
            await connection.close()
