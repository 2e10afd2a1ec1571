# SPDX-License-Identifier: Apache-2.0
"""Messages that get too old, in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import CosName, MailboxId, SubscriberId
from vvm.store import rows
from vvm.store.expiry import Aged, Ages
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.mailboxes import remove_messages
from vvm.store.sqlite.outbox import insert_owed

_SQL = named_statements("vvm.store.sqlite.queries", "expiry.sql")


class SqliteExpiry:
    """vvm.store.expiry.ExpiryStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def of_class(self, cos: CosName, ages: Ages, *, after: Msisdn | None, limit: int) -> Sequence[Aged]:
        where = rows.ages(ages) | {"cos": cos, "after": after or "", "limit": limit}
        return [rows.aged(row) for row in self._reader.all(_SQL["of_class"], where)]

    async def expire(self, mailbox: MailboxId, ages: Ages, owed: Sequence[Owed] = ()) -> int:
        where = rows.ages(ages) | {"mailbox": mailbox}

        def work(connection: sqlite3.Connection) -> int:
            gone = 0
            for (folder,) in connection.execute(_SQL["places"], where).fetchall():
                old = connection.execute(_SQL["expired"], where | {"folder_id": folder}).fetchall()
                gone += len(remove_messages(connection, mailbox, folder, old))
            if gone:
                insert_owed(connection, owed)
            return gone

        return await self._write(work)

    async def announce(self, subscriber: SubscriberId, *, until: datetime, owed: Sequence[Owed]) -> bool:
        which = {"subscriber": subscriber, "until": rows.microseconds(until)}

        def work(connection: sqlite3.Connection) -> bool:
            if connection.execute(_SQL["announce"], which).fetchone() is None:
                return False
            insert_owed(connection, owed)
            return True

        return await self._write(work)
