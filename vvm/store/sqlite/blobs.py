# SPDX-License-Identifier: Apache-2.0
"""What SQLite knows of blobs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

import msgspec

from vvm.domain.subscriber import MailboxId
from vvm.store import rows
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer

_SQL = named_statements("vvm.store.sqlite.queries", "blobs.sql")


class SqliteBlobLedger:
    """vvm.store.blobs.port.BlobLedger."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def condemn(self, keys: Sequence[str], *, at: datetime) -> Sequence[str]:
        which = {"keys": _list(keys), "at": rows.microseconds(at)}

        def work(connection: sqlite3.Connection) -> Sequence[str]:
            connection.execute(_SQL["condemn"], which)
            return [key for (key,) in connection.execute(_SQL["condemned"], which)]

        return await self._write(work)

    async def loose(self, *, limit: int, before: datetime | None = None) -> Sequence[str]:
        which = {"before": rows.bound(before), "limit": limit}
        return [key for (key,) in self._reader.all(_SQL["loose"], which)]

    async def deleted(self, keys: Sequence[str]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            for statement in ("forget_released", "deleted"):
                connection.execute(_SQL[statement], (_list(keys),))

        await self._write(work, durable=False)  # what is lost is deleted once more

    async def forget(self, *, before: datetime, limit: int) -> int:
        which = {"before": rows.microseconds(before), "limit": limit}

        def work(connection: sqlite3.Connection) -> int:
            return connection.execute(_SQL["forget"], which).rowcount

        return await self._write(work, durable=False)

    async def in_use(self) -> bool:
        return self._reader.one(_SQL["in_use"]) is not None

    async def data_key(self, mailbox: MailboxId, fresh: bytes) -> bytes | None:
        known = self._reader.one(_SQL["data_key"], (mailbox,))
        if known is not None:
            return bytes(known[0])

        def work(connection: sqlite3.Connection) -> bytes | None:
            connection.execute(_SQL["insert_data_key"], {"mailbox": mailbox, "fresh": fresh})
            row = connection.execute(_SQL["data_key"], (mailbox,)).fetchone()
            return None if row is None else bytes(row[0])

        return await self._write(work)


def _list(keys: Sequence[str]) -> str:
    return msgspec.json.encode(list(keys)).decode()
