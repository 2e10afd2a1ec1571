# SPDX-License-Identifier: Apache-2.0
"""SMS from handsets in PostgreSQL, kept until all that they cause is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vvm.domain.notification import Owed
from vvm.domain.numbers import Msisdn
from vvm.store import rows
from vvm.store.port import Inbound, NewInbound, NewInboundSegment, SubscriberChange
from vvm.store.postgres.engine import Connection, Database, statements
from vvm.store.postgres.outbox import owe
from vvm.store.postgres.subscribers import apply_change, find

_SQL = statements("inbound.sql")


class PostgresInbound:
    """vvm.store.port.InboundStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_segment(self, segment: NewInboundSegment, *, limit: int, each: int) -> Sequence[bytes]:
        values = {
            "key": segment.key,
            "segment": segment.number,
            "octets": segment.octets,
            "expires_at": rows.microseconds(segment.expires_at),
            "now": rows.microseconds(segment.received_at),
        }

        async def work(connection: Connection) -> Sequence[bytes]:
            for statement in ("lock_segments", "forget_expired_segments", "keep_segment"):
                await connection.all(_SQL[statement], values)
            for begin, most in ((segment.handset, each), ("", limit)):
                oldest = {"key": segment.key, "begin": begin, "limit": most}
                await connection.all(_SQL["forget_oldest_segments"], oldest)
            pieces = [piece for (piece,) in await connection.all(_SQL["segments_of"], values)]
            return pieces if len(pieces) == segment.total else ()

        return await self._database.write(work)

    async def save(self, sms: NewInbound) -> bool:
        values = {
            "key": sms.key,
            "segments_key": sms.segments_key,
            "originator": sms.originator,
            "destination": sms.destination,
            "text": sms.text.replace(
                "\0", "\N{REPLACEMENT CHARACTER}"
            ),  # which no text of PostgreSQL may hold
            "received_at": rows.microseconds(sms.received_at),
            "since": rows.heard_since(sms),
        }
        hear = _SQL["hear_named" if sms.named else "hear"]

        async def work(connection: Connection) -> bool:
            await connection.all(_SQL["forget_segments"], values)
            return await connection.one(hear, values) is not None

        if sms.segments_key:
            return await self._database.write(work)
        return bool(await self._database.decide(hear, values))

    async def pending(self, *, limit: int) -> Sequence[Inbound]:
        found = await self._database.all(_SQL["pending_inbound"], {"limit": limit})
        return [rows.inbound(row) for row in found]

    async def settle(
        self,
        sms: int,
        *,
        msisdn: Msisdn | None,
        change: SubscriberChange | None,
        owed: Sequence[Owed],
    ) -> None:
        async def work(connection: Connection) -> None:
            if await connection.one(_SQL["settle_inbound"], {"row": sms}) is None:
                return
            if msisdn is not None:
                if change is None:
                    await find(connection, msisdn)
                else:
                    await apply_change(connection, msisdn, change)
            await owe(connection, owed)

        await self._database.write(work)

    async def history(self, originator: str, *, limit: int) -> Sequence[Inbound]:
        where = {"originator": originator, "limit": limit}
        return [rows.inbound(row) for row in await self._database.all(_SQL["inbound_history"], where)]

    async def forget(self, *, before: datetime, limit: int) -> int:
        where = {"before": rows.microseconds(before), "limit": limit}
        ((count,),) = await self._database.decide(_SQL["forget_inbound"], where, durable=False)
        return int(count)
