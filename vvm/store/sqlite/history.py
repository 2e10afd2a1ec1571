# SPDX-License-Identifier: Apache-2.0
"""What is forgotten after a time, in SQLite."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from vvm.store import rows
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Writer

_SQL = named_statements("vvm.store.sqlite.queries", "history.sql")


class SqliteHistory:
    """vvm.store.history.HistoryStore."""

    def __init__(self, writer: Writer) -> None:
        self._write = writer

    async def forget_changes(self, *, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}

        def work(connection: sqlite3.Connection) -> int:
            old = connection.execute(_SQL["old_changes"], where).fetchall()
            begins: dict[tuple[int, int], int] = {}
            for _, mailbox, folder, modseq in old:
                begins[mailbox, folder] = max(modseq, begins.get((mailbox, folder), 0))
            moved = [(modseq, *place) for place, modseq in begins.items()]
            connection.executemany(_SQL["begin_journal"], moved)
            connection.executemany(_SQL["delete_change"], [row[:1] for row in old])
            return len(old)

        return await self._write(work, durable=False)

    async def forget_deposit_keys(self, *, before: datetime, limit: int) -> int:
        return await self._forget("forget_deposit_keys", before, limit)

    async def forget_audit(self, *, before: datetime, limit: int) -> int:
        return await self._forget("forget_audit", before, limit)

    async def _forget(self, statement: str, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}

        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(_SQL[statement], where).rowcount

        return await self._write(work, durable=False)
