# SPDX-License-Identifier: Apache-2.0
"""Owed notifications and received SMS in SQLite.

Writes that only note progress (lease, acceptance, end) wait for no fsync: what a power failure
takes from them costs a second SMS, which is harmless (design.md invariant 4).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from vvm.domain.notification import Cause, Leased, Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import SubscriberId
from vvm.store.port import OutboxCounts, Settlement
from vvm.store.sql import named_statements
from vvm.store.sqlite import rows
from vvm.store.sqlite.engine import Reader, Row, Writer

_SQL = named_statements("vvm.store.sqlite.queries", "outbox.sql")


def insert_owed(connection: sqlite3.Connection, owed: Sequence[Owed], *, uid: int | None = None) -> None:
    """Write the rows of notifications, inside the transaction of their cause."""
    for item in owed:
        connection.execute(
            _SQL["insert_owed"],
            {
                "subscriber": item.subscriber,
                "recipient": item.recipient,
                "cause": item.cause.value,
                "uid": uid,
                "return_code": item.return_code,
                "due_at": rows.microseconds(item.due_at),
                "expires_at": rows.microseconds(item.expires_at),
            },
        )


class SqliteOutbox:
    """vvm.store.port.OutboxStore."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._write = writer

    async def owe(self, owed: Sequence[Owed]) -> None:
        await self._write(lambda connection: insert_owed(connection, owed))

    async def lease(self, *, now: datetime, lease: timedelta, limit: int) -> Sequence[Leased]:
        until = rows.microseconds(now + lease)
        where = {"now": rows.microseconds(now), "limit": limit}
        if self._reader.one(_SQL["due"], where | {"limit": 1}) is None:
            return []  # an idle worker costs a read and no write

        def work(connection: sqlite3.Connection) -> Sequence[Leased]:
            due = connection.execute(_SQL["due"], where).fetchall()
            connection.executemany(_SQL["lease"], [(until, row[0]) for row in due])
            return [_leased(connection, row) for row in due]

        return await self._write(work, durable=False)

    async def accepted(
        self, row: Leased, *, segment: int, total: int, message_id: str, now: datetime
    ) -> None:
        del now  # the time of acceptance is not kept yet
        values = {"row": row.id, "segment": segment, "total": total, "message_id": message_id}
        await self._run("accept_segment", values)

    async def retry(self, row: Leased, *, due_at: datetime, status: int | None, counted: bool) -> None:
        values = {
            "row": row.id,
            "attempt": row.attempt,
            "due_at": rows.microseconds(due_at),
            "status": status,
            "taken_back": 0 if counted else 1,
        }
        await self._run("retry", values)

    async def settle(
        self, row: Leased, settlement: Settlement, *, now: datetime, status: int | None = None
    ) -> None:
        values = {
            "row": row.id,
            "state": settlement.value,
            "now": rows.microseconds(now),
            "status": status,
        }
        await self._run("settle", values)

    async def receipt(self, message_id: str, settlement: Settlement, *, now: datetime) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            found = connection.execute(_SQL["row_of_message_id"], (message_id,)).fetchone()
            if found is None:
                return False
            row, segment = found
            if settlement is Settlement.DELIVERED:
                connection.execute(_SQL["mark_delivered"], (row, segment))
                (whole,) = connection.execute(_SQL["delivered_whole"], (row,)).fetchone()
                if not whole:
                    return True
            close = {"row": row, "state": settlement.value, "now": rows.microseconds(now)}
            connection.execute(_SQL["close_sent"], close)
            return True

        return await self._write(work, durable=False)

    async def counts(self) -> OutboxCounts:
        owed, oldest = self._reader.all(_SQL["counts"])[0]
        return OutboxCounts(
            owed=owed,
            oldest_due_at=None if oldest is None else rows.moment(oldest),
        )

    async def next_due(self) -> datetime | None:
        row = self._reader.one(_SQL["next_due"])
        return None if row is None else rows.moment(row[0])

    async def _run(self, statement: str, values: Mapping[str, object]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_SQL[statement], values)

        await self._write(work, durable=False)


def _leased(connection: sqlite3.Connection, row: Row) -> Leased:
    segments = connection.execute(_SQL["segments"], (row[0],)).fetchall()
    return Leased(
        id=row[0],
        recipient=Msisdn(row[1]),
        subscriber=None if row[2] is None else SubscriberId(row[2]),
        cause=Cause(row[3]),
        uid=row[4],
        return_code=row[5],
        attempt=row[6] + 1,
        expires_at=rows.moment(row[7]),
        accepted=frozenset(segment for (segment,) in segments),
    )
