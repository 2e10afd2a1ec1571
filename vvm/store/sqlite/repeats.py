# SPDX-License-Identifier: Apache-2.0
"""Requests with a key in SQLite."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from vvm.store import rows
from vvm.store.repeats import Attempt, Remembered
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Writer

_SQL = named_statements("vvm.store.sqlite.queries", "repeats.sql")


class SqliteRepeats:
    """vvm.store.repeats.RepeatStore."""

    def __init__(self, writer: Writer) -> None:
        self._write = writer

    async def begin(self, attempt: Attempt, *, now: datetime, again: bool) -> Remembered | None:
        values = rows.attempt_values(attempt) | {"now": rows.microseconds(now), "again": again}

        def work(connection: sqlite3.Connection) -> Remembered | None:
            if connection.execute(_SQL["claim_request"], values).fetchone() is not None:
                return None
            return rows.remembered(connection.execute(_SQL["request_by_key"], values).fetchone())

        return await self._write(work)

    async def finish(self, key: bytes, answer: bytes) -> None:
        values = {"key": key, "answer": answer}
        await self._write(lambda connection: connection.execute(_SQL["finish_request"], values))

    async def release(self, key: bytes) -> None:
        values = {"key": key}
        await self._write(lambda connection: connection.execute(_SQL["release_request"], values))

    async def forget(self, *, before: datetime, limit: int) -> int:
        values = {"before": rows.microseconds(before), "limit": limit}
        return await self._write(
            lambda connection: len(connection.execute(_SQL["forget_requests"], values).fetchall())
        )
