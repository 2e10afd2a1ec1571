# SPDX-License-Identifier: Apache-2.0
"""Classes of service in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.cos import Cos, CosInUse, Limits
from vvm.domain.subscriber import CosName, MailboxId
from vvm.store import rows
from vvm.store.cos import removable, replaced
from vvm.store.postgres.engine import Connection, Database, statements

_SQL = statements("cos.sql")


class PostgresCos:
    """vvm.store.cos.CosStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, cos: Cos, *, exists: bool | None = None, decided_at: datetime | None = None
    ) -> tuple[Cos, bool]:
        async def work(connection: Connection) -> tuple[Cos, bool]:
            before = await _locked(connection, cos.name)
            after = replaced(before, cos, exists=exists, decided_at=decided_at)
            statement = _SQL["insert_cos" if before is None else "update_cos"]
            await connection.all(statement, rows.cos_values(after))
            return after, before is None

        return await self._database.write(work)

    async def by_name(self, name: CosName) -> Cos | None:
        row = await self._database.one(_SQL["cos_by_name"], {"name": name})
        return None if row is None else rows.cos(row)

    async def page(self, *, after: CosName | None, limit: int) -> Sequence[Cos]:
        where = {"after": after or "", "limit": limit}
        return [rows.cos(row) for row in await self._database.all(_SQL["cos_after"], where)]

    async def remove(self, name: CosName, *, decided_at: datetime | None = None) -> None:
        which = {"name": name}

        async def work(connection: Connection) -> None:
            removable(await _locked(connection, name), decided_at=decided_at)
            if await connection.one(_SQL["cos_in_use"], which) is not None:
                raise CosInUse
            await connection.all(_SQL["delete_cos"], which)

        await self._database.write(work)

    async def of(self, mailbox: MailboxId) -> Limits | None:
        row = await self._database.one(_SQL["limits_of"], {"mailbox": mailbox})
        return None if row is None else rows.limits(row[0])


async def _locked(connection: Connection, name: CosName) -> Cos | None:
    row = await connection.one(_SQL["lock_cos"], {"name": name})
    return None if row is None else rows.cos(row)
