# SPDX-License-Identifier: Apache-2.0
"""Messages that get too old, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import CosName, MailboxId, SubscriberId
from vvm.store import rows
from vvm.store.expiry import Aged, Ages
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.postgres.outbox import owe, owed_json

_SQL = statements("expiry.sql")


class PostgresExpiry:
    """vvm.store.expiry.ExpiryStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_class(self, cos: CosName, ages: Ages, *, after: Msisdn | None, limit: int) -> Sequence[Aged]:
        where = rows.ages(ages) | {"cos": cos, "after": after or "", "limit": limit}
        return [rows.aged(row) for row in await self._database.all(_SQL["of_class"], where)]

    async def expire(self, mailbox: MailboxId, ages: Ages, owed: Sequence[Owed] = ()) -> int:
        values = rows.ages(ages) | {"mailbox": mailbox, "owed": owed_json(owed)}
        ((gone,),) = await self._database.decide(_SQL["expire"], values)
        return int(gone)

    async def announce(self, subscriber: SubscriberId, *, until: datetime, owed: Sequence[Owed]) -> bool:
        which = {"subscriber": subscriber, "until": rows.microseconds(until)}

        async def work(connection: Connection) -> bool:
            if await connection.one(_SQL["announce"], which) is None:
                return False
            await owe(connection, owed)
            return True

        return await self._database.write(work)
