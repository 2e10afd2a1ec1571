# SPDX-License-Identifier: Apache-2.0
"""Classes of service in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from vvm.domain.cos import Cos, CosInUse, Limits
from vvm.domain.subscriber import CosName, MailboxId
from vvm.store import rows
from vvm.store.cos import removable, replaced
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer

_SQL = named_statements("vvm.store.sqlite.queries", "cos.sql")


class SqliteCos:
    """vvm.store.cos.CosStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def put(
        self, cos: Cos, *, exists: bool | None = None, decided_at: datetime | None = None
    ) -> tuple[Cos, bool]:
        def work(connection: sqlite3.Connection) -> tuple[Cos, bool]:
            before = _find(connection, cos.name)
            after = replaced(before, cos, exists=exists, decided_at=decided_at)
            connection.execute(_SQL["put_cos"], rows.cos_values(after))
            return after, before is None

        return await self._write(work)

    async def by_name(self, name: CosName) -> Cos | None:
        row = self._reader.one(_SQL["cos_by_name"], (name,))
        return None if row is None else rows.cos(row)

    async def page(self, *, after: CosName | None, limit: int) -> Sequence[Cos]:
        found = self._reader.all(_SQL["cos_after"], {"after": after or "", "limit": limit})
        return [rows.cos(row) for row in found]

    async def remove(self, name: CosName, *, decided_at: datetime | None = None) -> None:
        def work(connection: sqlite3.Connection) -> None:
            removable(_find(connection, name), decided_at=decided_at)
            try:
                connection.execute(_SQL["delete_cos"], (name,))
            except sqlite3.IntegrityError:
                raise CosInUse from None

        await self._write(work)

    async def of(self, mailbox: MailboxId) -> Limits | None:
        row = self._reader.one(_SQL["limits_of"], (mailbox,))
        return None if row is None else rows.limits(row[0])


def _find(connection: sqlite3.Connection, name: CosName) -> Cos | None:
    row = connection.execute(_SQL["cos_by_name"], (name,)).fetchone()
    return None if row is None else rows.cos(row)
