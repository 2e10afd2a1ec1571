# SPDX-License-Identifier: Apache-2.0
"""What is forgotten after a time, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from vvm.store import rows
from vvm.store.postgres.engine import Database, statements

_SQL = statements("history.sql")


class PostgresHistory:
    """vvm.store.history.HistoryStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget_changes(self, *, before: datetime, limit: int) -> int:
        return await self._forget("forget_changes", before, limit)

    async def forget_deposit_keys(self, *, before: datetime, limit: int) -> int:
        return await self._forget("forget_deposit_keys", before, limit)

    async def forget_audit(self, *, before: datetime, limit: int) -> int:
        return await self._forget("forget_audit", before, limit)

    async def _forget(self, statement: str, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}
        ((count,),) = await self._database.decide(_SQL[statement], where, durable=False)
        return int(count)
