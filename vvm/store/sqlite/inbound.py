# SPDX-License-Identifier: Apache-2.0
"""SMS from handsets in SQLite, kept until all that they cause is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.store import rows
from vvm.store.port import Inbound, NewInbound, NewInboundSegment, SubscriberChange
from vvm.store.sql import named_statements
from vvm.store.sqlite.engine import Reader, Writer
from vvm.store.sqlite.outbox import insert_owed
from vvm.store.sqlite.subscribers import apply_change, find

_SQL = named_statements("vvm.store.sqlite.queries", "inbound.sql")


class SqliteInbound:
    """vvm.store.port.InboundStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def save_segment(self, segment: NewInboundSegment, *, limit: int, each: int) -> Sequence[bytes]:
        values = {
            "key": segment.key,
            "segment": segment.number,
            "octets": segment.octets,
            "expires_at": rows.microseconds(segment.expires_at),
        }

        def work(connection: sqlite3.Connection) -> Sequence[bytes]:
            connection.execute(_SQL["forget_expired_segments"], (rows.microseconds(segment.received_at),))
            connection.execute(_SQL["keep_segment"], values)
            for begin, most in ((segment.handset, each), ("", limit)):
                oldest = {"key": segment.key, "begin": begin, "limit": most}
                connection.execute(_SQL["forget_oldest_segments"], oldest)
            pieces = [piece for (piece,) in connection.execute(_SQL["segments_of"], (segment.key,))]
            return pieces if len(pieces) == segment.total else ()

        return await self._write(work)

    async def save(self, sms: NewInbound) -> bool:
        values = {
            "key": sms.key,
            "named": sms.named,
            "since": rows.heard_since(sms),
            "originator": sms.originator,
            "destination": sms.destination,
            "text": sms.text,
            "received_at": rows.microseconds(sms.received_at),
        }

        def work(connection: sqlite3.Connection) -> bool:
            if sms.segments_key:
                connection.execute(_SQL["forget_segments"], (sms.segments_key,))
            for statement in ("hear_named", "hear") if sms.named else ("hear",):
                if connection.execute(_SQL[statement], values).fetchone() is None:
                    return False
            connection.execute(_SQL["insert_inbound"], values)
            return True

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

    async def history(self, originator: str, *, limit: int) -> Sequence[Inbound]:
        found = self._reader.all(_SQL["inbound_history"], {"originator": originator, "limit": limit})
        return [rows.inbound(row) for row in found]

    async def forget(self, *, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}

        def work(connection: sqlite3.Connection) -> int:
            connection.execute(_SQL["forget_keys"], where)
            connection.execute(_SQL["forget_last"], where)
            return connection.execute(_SQL["forget_inbound"], where).rowcount

        return await self._write(work, durable=False)
