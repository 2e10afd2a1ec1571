# SPDX-License-Identifier: Apache-2.0
"""What clients did, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.subscriber import SubscriberId
from vvm.domain.visit import Visit
from vvm.store import rows
from vvm.store.postgres.engine import Connection, Database, statements

_SQL = statements("visits.sql")


class PostgresVisits:
    """vvm.store.visits.VisitStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

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

        async def work(connection: Connection) -> None:
            for each in values:
                await connection.all(_SQL["insert_visit"], each)
            for owner in sorted({visit.subscriber for visit in visits}):
                await connection.all(_SQL["keep_newest"], {"subscriber": owner, "keep": keep})

        await self._database.write(work, durable=False)

    async def history(self, subscriber: SubscriberId, *, limit: int) -> Sequence[Visit]:
        where = {"subscriber": subscriber, "limit": limit}
        return [rows.visit(row) for row in await self._database.all(_SQL["visits"], where)]

    async def forget(self, *, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}
        ((count,),) = await self._database.decide(_SQL["forget_visits"], where, durable=False)
        return int(count)
