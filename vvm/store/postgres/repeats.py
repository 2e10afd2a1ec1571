# SPDX-License-Identifier: Apache-2.0
"""Requests with a key in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from vvm.store import rows
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.repeats import Attempt, Remembered

_SQL = statements("repeats.sql")


class PostgresRepeats:
    """vvm.store.repeats.RepeatStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, attempt: Attempt, *, now: datetime, again: bool) -> Remembered | None:
        values = rows.attempt_values(attempt) | {"now": rows.microseconds(now), "again": again}

        async def work(connection: Connection) -> Remembered | None:
            # The row that was in the way is locked by the statement that met it, and so is still there.
            if await connection.one(_SQL["claim_request"], values) is not None:
                return None
            return rows.remembered(await connection.one(_SQL["request_by_key"], values))

        return await self._database.write(work)

    async def finish(self, key: bytes, answer: bytes) -> None:
        await self._database.decide(_SQL["finish_request"], {"key": key, "answer": answer})

    async def release(self, key: bytes) -> None:
        await self._database.decide(_SQL["release_request"], {"key": key})

    async def forget(self, *, before: datetime, limit: int) -> int:
        values = {"before": rows.microseconds(before), "limit": limit}

        async def work(connection: Connection) -> int:
            return len(await connection.all(_SQL["forget_requests"], values))

        return await self._database.write(work)
