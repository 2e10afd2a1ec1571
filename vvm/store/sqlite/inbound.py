# SPDX-License-Identifier: Apache-2.0
"""SMS from handsets in SQLite, kept until all that they cause is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.store.port import Inbound, NewInbound, SubscriberChange
from vvm.store.sql import named_statements
from vvm.store.sqlite import rows
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.outbox import insert_owed
from vvm.store.sqlite.subscribers import apply_change, find

_SQL = named_statements("vvm.store.sqlite.queries", "outbox.sql")


class SqliteInbound:
    """vvm.store.port.InboundStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def save(self, sms: NewInbound) -> bool:
        values = {
            "key": sms.key,
            "originator": sms.originator,
            "destination": sms.destination,
            "text": sms.text,
            "received_at": rows.microseconds(sms.received_at),
        }

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute(_SQL["insert_inbound"], values).fetchone() is not None

        return await self._write(work)

    async def pending(self, *, limit: int) -> Sequence[Inbound]:
        return [rows.inbound(row) for row in self._reader.all(_SQL["pending_inbound"], (limit,))]

    async def settle(
        self,
        sms: int,
        *,
        msisdn: Msisdn | None,
        change: SubscriberChange | None,
        owed: Sequence[Owed],
    ) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if connection.execute(_SQL["settle_inbound"], (sms,)).fetchone() is None:
                return
            if msisdn is not None:
                find(connection, msisdn)
                if change is not None:
                    apply_change(connection, msisdn, change)
            insert_owed(connection, owed)

        await self._write(work)
