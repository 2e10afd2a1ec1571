# SPDX-License-Identifier: Apache-2.0
"""Classes of service in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vvm.domain.cos import Cos, CosInUse, Limits, NoSuchCos
from vvm.domain.subscriber import CosName, MailboxId
from vvm.store import rows
from vvm.store.postgres.engine import Connection, Database, statements

_SQL = statements("cos.sql")


class PostgresCos:
    """vvm.store.cos.CosStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, cos: Cos) -> bool:
        limits = msgspec.json.encode(cos.limits).decode()
        values = {"name": cos.name, "limits": limits, "changed_at": rows.microseconds(cos.changed_at)}

        async def work(connection: Connection) -> bool:
            new = await connection.one(_SQL["lock_cos"], values) is None
            await connection.all(_SQL["put_cos"], values)
            return new

        return await self._database.write(work)

    async def by_name(self, name: CosName) -> Cos | None:
        row = await self._database.one(_SQL["cos_by_name"], {"name": name})
        return None if row is None else rows.cos(row)

    async def page(self, *, after: CosName | None, limit: int) -> Sequence[Cos]:
        where = {"after": after or "", "limit": limit}
        return [rows.cos(row) for row in await self._database.all(_SQL["cos_after"], where)]

    async def remove(self, name: CosName) -> None:
        which = {"name": name}

        async def work(connection: Connection) -> None:
            if await connection.one(_SQL["lock_cos"], which) is None:
                raise NoSuchCos
            if await connection.one(_SQL["cos_in_use"], which) is not None:
                raise CosInUse
            await connection.all(_SQL["delete_cos"], which)

        await self._database.write(work)

    async def of(self, mailbox: MailboxId) -> Limits | None:
        row = await self._database.one(_SQL["limits_of"], {"mailbox": mailbox})
        return None if row is None else rows.limits(row[0])
