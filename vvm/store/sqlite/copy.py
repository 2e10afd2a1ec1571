# SPDX-License-Identifier: Apache-2.0
"""One side of a copy: a file.  See vvm.store.copying."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

from vvm.store.copying import COUNTED, Key, Row, Table
from vvm.store.handover import Handover
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import connect, outage

T = TypeVar("T")

_SQL = named_statements("vvm.store.sqlite.queries", "copy.sql")
_BATCH = 1000
_OPERATIONS = ("INSERT", "UPDATE", "DELETE")


class SqliteSide:
    """vvm.store.copying.Side.  Reads have a connection each, writes one for all."""

    def __init__(self, path: Path, place: str) -> None:
        self.place = place
        self._path = path
        self._connection = connect(path, any_thread=True)
        self._connection.execute("PRAGMA foreign_keys = OFF")  # rows come by table, not by what they name

    async def rows(self, table: Table) -> AsyncIterator[Sequence[Row]]:
        columns, key = ", ".join(table.light), ", ".join(table.key)
        statement = _SQL.get(table.name, f"SELECT {columns} FROM {table.name} ORDER BY {key}")  # noqa: S608 - names of our own
        with closing(connect(self._path, any_thread=True)) as connection:
            cursor = await _in_thread(lambda: connection.execute(statement))
            while batch := await _in_thread(lambda: cursor.fetchmany(_BATCH)):
                yield batch

    async def whole(self, table: Table, keys: Sequence[Key]) -> Sequence[Row]:
        where = " AND ".join(f"{column} = :{column}" for column in table.key)
        statement = _SQL.get(
            f"whole_{table.name}",
            f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {where}",  # noqa: S608 - names of our own
        )

        def look() -> Sequence[Row]:
            return [
                row
                for key in keys
                for row in self._connection.execute(statement, dict(zip(table.key, key, strict=True)))
            ]

        return await _in_thread(look)

    async def replace(self, table: Table, gone: Sequence[Key], new: Sequence[Row]) -> None:
        where = " AND ".join(f"{column} = :{column}" for column in table.key)
        delete = _SQL.get(f"delete_{table.name}", f"DELETE FROM {table.name} WHERE {where}")  # noqa: S608 - names of our own
        values = ", ".join(f":{column}" for column in table.columns)
        columns = ", ".join(table.columns)
        insert = _SQL.get(
            f"insert_{table.name}",
            f"INSERT OR REPLACE INTO {table.name} ({columns}) VALUES ({values})",  # noqa: S608 - names of our own
        )
        keys = [dict(zip(table.key, key, strict=True)) for key in gone]
        rows = [dict(zip(table.columns, row, strict=True)) for row in new]

        def work() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(delete, keys)
            self._connection.executemany(insert, rows)
            if table.name == "outbox":
                self._connection.executemany(_SQL["delete_segments"], keys)
                self._connection.executemany(_SQL["insert_segments"], rows)
            self._connection.execute("COMMIT")

        await self._write(work)

    async def last_ids(self) -> Mapping[str, int]:
        def look() -> Mapping[str, int]:
            found = self._connection.execute(_SQL["last_ids"])
            return {name: last for name, last in found if name in COUNTED}

        return await _in_thread(look)

    async def finish(self, last_ids: Mapping[str, int]) -> None:
        which = [{"name": name, "last": last} for name, last in last_ids.items()]

        def work() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(_SQL["delete_unheld_contents"])
            self._connection.executemany(_SQL["begin_id"], which)
            self._connection.executemany(_SQL["raise_id"], which)
            self._connection.execute("COMMIT")

        await self._write(work)

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        await _in_thread(lambda: self._connection.execute("BEGIN IMMEDIATE"))
        try:
            yield
            if self._connection.in_transaction:
                await _in_thread(lambda: self._connection.execute("COMMIT"))
        finally:
            if self._connection.in_transaction:
                await _in_thread(self._connection.rollback)

    async def seal(self, place: str) -> None:
        def work() -> None:
            for (table,) in self._connection.execute(_SQL["tables"]).fetchall():
                for operation in _OPERATIONS:
                    self._connection.execute(
                        f"CREATE TRIGGER sealed_{table}_{operation.lower()} BEFORE {operation} ON {table} "
                        "BEGIN SELECT RAISE(ABORT, 'the store was moved'); END"
                    )
            self._connection.execute(_SQL["mark"], {"role": "source", "place": place})

        await _in_thread(work)

    async def unseal(self) -> None:
        def work() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            for (name,) in self._connection.execute(_SQL["seals"]).fetchall():
                self._connection.execute(f"DROP TRIGGER {name}")
            for (statement,) in self._connection.execute(_SQL["triggers_put_away"]).fetchall():
                self._connection.execute(statement)
            self._connection.execute(_SQL["forget_triggers"])
            self._connection.execute(_SQL["unmark"])
            self._connection.execute("COMMIT")

        await self._write(work)

    async def mark_target(self, place: str) -> None:
        def work() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(_SQL["unmark"])
            self._connection.execute(_SQL["mark"], {"role": "target", "place": place})
            # What they would write is copied as it is.
            for name, statement in self._connection.execute(_SQL["triggers"]).fetchall():
                self._connection.execute(_SQL["put_trigger_away"], (name, statement))
                self._connection.execute(f"DROP TRIGGER {name}")
            self._connection.execute("COMMIT")

        await self._write(work)

    async def handover(self) -> Handover | None:
        row = await _in_thread(lambda: self._connection.execute(_SQL["handover"]).fetchone())
        return None if row is None else Handover(*row)

    def close(self) -> None:
        self._connection.close()

    async def _write(self, work: Callable[[], None]) -> None:
        def whole() -> None:
            try:
                work()
            finally:
                if self._connection.in_transaction:
                    self._connection.rollback()

        await _in_thread(whole)


async def _in_thread(work: Callable[[], T]) -> T:
    """Raises Outage."""
    try:
        return await asyncio.to_thread(work)
    except sqlite3.Error as error:
        raise outage(error) from error
