# SPDX-License-Identifier: Apache-2.0
"""vvm.store.check on a file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from vvm.domain.errors import Outage
from vvm.store.check import Found
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import connect, outage

T = TypeVar("T")

_SQL = named_statements("vvm.store.sqlite.queries", "check.sql")
_FILE = "file_damaged"


class SqliteInspector:
    """vvm.store.check.Inspector.  Beside a running server: readers and the writer do not meet."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, any_thread=True)
        self._connection.execute("BEGIN")

    def knows(self, damage: str) -> bool:
        return damage == _FILE or damage in _SQL

    def repairs(self, damage: str) -> bool:
        return f"repair_{damage}" in _SQL

    async def find(self, damage: str, *, most: int) -> Found | None:
        text = _SQL.get(damage, "").rstrip(";")
        statement = f"SELECT place, count(*) OVER () FROM ({text}) LIMIT ?"  # noqa: S608 - from our file

        def look() -> Found | None:
            if damage == _FILE:
                said = [text for (text,) in self._connection.execute(f"PRAGMA integrity_check({most})")]
                return None if said == ["ok"] else Found(len(said), said)
            found = self._connection.execute(statement, (most,)).fetchall()
            return Found(found[0][1], [place for place, _ in found]) if found else None

        return await self._in_thread(look)

    async def repair(self, damage: str) -> None:
        def work() -> None:
            self._connection.execute("COMMIT")  # the instant that was looked at
            self._connection.execute("BEGIN IMMEDIATE")
            for statement in _SQL[f"repair_{damage}"].split(";\n"):
                self._connection.execute(statement)
            self._connection.execute("COMMIT")
            self._connection.execute("BEGIN")

        await self._in_thread(work)

    async def blobs(self, *, after: str, limit: int) -> Sequence[str]:
        def look() -> Sequence[str]:
            where = {"after": after, "limit": limit}
            return [key for (key,) in self._connection.execute(_SQL["blobs"], where)]

        return await self._in_thread(look)

    def close(self) -> None:
        self._connection.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except sqlite3.Error as error:
            raise outage(error) from error


@asynccontextmanager
async def inspect_sqlite(path: Path) -> AsyncIterator[SqliteInspector]:
    """Raises Outage."""
    try:
        inspector = SqliteInspector(path)
    except sqlite3.Error as error:
        raise Outage(f"{path} cannot be opened: {error}") from error
    try:
        yield inspector
    finally:
        inspector.close()
