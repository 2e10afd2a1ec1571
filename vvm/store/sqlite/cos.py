# SPDX-License-Identifier: Apache-2.0
"""Classes of service in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from vvm.domain.cos import Cos, CosInUse, Limits, NoSuchCos
from vvm.domain.subscriber import CosName, MailboxId
from vvm.store import rows
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer

_SQL = named_statements("vvm.store.sqlite.queries", "cos.sql")


class SqliteCos:
    """vvm.store.cos.CosStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def put(self, cos: Cos) -> bool:
        limits = msgspec.json.encode(cos.limits).decode()
        values = {"name": cos.name, "limits": limits, "changed_at": rows.microseconds(cos.changed_at)}

        def work(connection: sqlite3.Connection) -> bool:
            new = connection.execute(_SQL["cos_by_name"], (cos.name,)).fetchone() is None
            connection.execute(_SQL["put_cos"], values)
            return new

        return await self._write(work)

    async def by_name(self, name: CosName) -> Cos | None:
        row = self._reader.one(_SQL["cos_by_name"], (name,))
        return None if row is None else rows.cos(row)

    async def page(self, *, after: CosName | None, limit: int) -> Sequence[Cos]:
        found = self._reader.all(_SQL["cos_after"], {"after": after or "", "limit": limit})
        return [rows.cos(row) for row in found]

    async def remove(self, name: CosName) -> None:
        def work(connection: sqlite3.Connection) -> None:
            try:
                gone = connection.execute(_SQL["delete_cos"], (name,)).fetchone()
            except sqlite3.IntegrityError:
                raise CosInUse from None
            if gone is None:
                raise NoSuchCos

        await self._write(work)

    async def of(self, mailbox: MailboxId) -> Limits | None:
        row = self._reader.one(_SQL["limits_of"], (mailbox,))
        return None if row is None else rows.limits(row[0])
