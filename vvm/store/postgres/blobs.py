# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL knows of blobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.subscriber import MailboxId
from vvm.store import rows
from vvm.store.postgres.engine import Connection, Database, statements

_SQL = statements("blobs.sql")


class PostgresBlobLedger:
    """vvm.store.blobs.port.BlobLedger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def condemn(self, keys: Sequence[str], *, at: datetime) -> Sequence[str]:
        which = {"keys": list(keys), "at": rows.microseconds(at)}

        async def work(connection: Connection) -> Sequence[str]:
            await connection.all(_SQL["lock_blobs"], which)
            await connection.all(_SQL["condemn"], which)
            return [key for (key,) in await connection.all(_SQL["condemned"], which)]

        return await self._database.write(work)

    async def loose(self, *, limit: int, before: datetime | None = None) -> Sequence[str]:
        which = {"before": rows.bound(before), "limit": limit}
        return [key for (key,) in await self._database.all(_SQL["loose"], which)]

    async def deleted(self, keys: Sequence[str]) -> None:
        # What is lost is deleted once more.
        await self._database.decide(_SQL["deleted"], {"keys": list(keys)}, durable=False)

    async def forget(self, *, before: datetime, limit: int) -> int:
        which = {"before": rows.microseconds(before), "limit": limit}
        ((count,),) = await self._database.decide(_SQL["forget"], which, durable=False)
        return int(count)

    async def in_use(self) -> bool:
        return await self._database.one(_SQL["in_use"]) is not None

    async def data_key(self, mailbox: MailboxId, fresh: bytes) -> bytes | None:
        which = {"mailbox": mailbox, "fresh": fresh}
        known = await self._database.one(_SQL["data_key"], which)
        if known is not None:
            return bytes(known[0])

        async def work(connection: Connection) -> bytes | None:
            await connection.all(_SQL["insert_data_key"], which)
            row = await connection.one(_SQL["data_key"], which)
            return None if row is None else bytes(row[0])

        return await self._database.write(work)
