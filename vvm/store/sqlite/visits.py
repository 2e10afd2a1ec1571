# SPDX-License-Identifier: Apache-2.0
"""What clients did, in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from vvm.domain.subscriber import SubscriberId
from vvm.domain.visit import Visit
from vvm.store import rows
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer

_SQL = named_statements("vvm.store.sqlite.queries", "visits.sql")


class SqliteVisits:
    """vvm.store.visits.VisitStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def add(self, visits: Sequence[Visit], *, keep: int) -> None:
        values = [
            {
                "subscriber": visit.subscriber,
                "device": visit.device,
                "act": visit.act.value,
                "detail": visit.detail,
                "first_at": rows.microseconds(visit.first_at),
                "last_at": rows.microseconds(visit.last_at),
                "count": visit.count,
            }
            for visit in visits
        ]
        owners = [{"subscriber": owner, "keep": keep} for owner in {visit.subscriber for visit in visits}]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_SQL["insert_visit"], values)
            connection.executemany(_SQL["keep_newest"], owners)

        await self._write(work, durable=False)

    async def history(self, subscriber: SubscriberId, *, limit: int) -> Sequence[Visit]:
        found = self._reader.all(_SQL["visits"], {"subscriber": subscriber, "limit": limit})
        return [rows.visit(row) for row in found]

    async def forget(self, *, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}

        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(_SQL["forget_visits"], where).rowcount

        return await self._write(work, durable=False)
