# SPDX-License-Identifier: Apache-2.0
"""The OutboxStore of the memory adapter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

from vvm.domain.notification import Leased, Owed
from vvm.domain.subscriber import SubscriberId
from vvm.store.port import OutboxCounts, Settlement


class _Row:
    def __init__(self, row_id: int, owed: Owed, uid: int | None) -> None:
        self.id = row_id
        self.owed = owed
        self.uid = uid
        self.due_at = owed.due_at
        """A lease moves it to the lease's end."""
        self.attempt = 0
        self.settlement: Settlement | None = None
        self.message_ids: dict[int, str] = {}
        """By segment; the SMSC has taken these."""
        self.total = 0
        """Segments of the whole SMS; 0 until the SMSC took one."""
        self.delivered: set[int] = set()

    def leased(self) -> Leased:
        return Leased(
            id=self.id,
            recipient=self.owed.recipient,
            subscriber=self.owed.subscriber,
            cause=self.owed.cause,
            uid=self.uid,
            return_code=self.owed.return_code,
            attempt=self.attempt,
            expires_at=self.owed.expires_at,
            accepted=frozenset(self.message_ids),
        )

    def reported(self, segment: int, settlement: Settlement) -> None:
        """Note a receipt.  One lost segment loses the SMS; delivered it is with its last segment.

        That also closes a row that is still owed: its worker was killed before it could.
        """
        if settlement is Settlement.DELIVERED:
            self.delivered.add(segment)
            if len(self.delivered) < self.total:
                return
        if self.settlement in {None, Settlement.SENT}:
            self.settlement = settlement


class MemoryOutbox:
    def __init__(self) -> None:
        self._rows: dict[int, _Row] = {}
        self._ids = count(1)

    def add(self, owed: Sequence[Owed], *, uid: int | None = None) -> None:
        """Owe as part of another store's transaction."""
        for notification in owed:
            row = _Row(next(self._ids), notification, uid)
            self._rows[row.id] = row

    def forget(self, subscriber: SubscriberId) -> None:
        """Drop every row of a subscriber who goes."""
        self._rows = {key: row for key, row in self._rows.items() if row.owed.subscriber != subscriber}

    async def owe(self, owed: Sequence[Owed]) -> None:
        self.add(owed)

    async def lease(self, *, now: datetime, lease: timedelta, limit: int) -> Sequence[Leased]:
        due = [row for row in self._owed() if row.due_at <= now][:limit]
        for row in due:
            row.due_at = now + lease
            row.attempt += 1
        return [row.leased() for row in due]

    async def accepted(
        self, row: Leased, *, segment: int, total: int, message_id: str, now: datetime
    ) -> None:
        del now
        if (found := self._rows.get(row.id)) is not None:
            found.message_ids[segment] = message_id
            found.total = total

    async def retry(self, row: Leased, *, due_at: datetime, status: int | None, counted: bool) -> None:
        del status
        found = self._rows.get(row.id)
        # A row whose lease was lost to another worker has another attempt by now.
        if found is None or found.settlement is not None or found.attempt != row.attempt:
            return
        found.due_at = due_at
        if not counted:
            found.attempt -= 1

    async def settle(
        self, row: Leased, settlement: Settlement, *, now: datetime, status: int | None = None
    ) -> None:
        del now, status
        found = self._rows.get(row.id)
        if found is not None and found.settlement is None:
            found.settlement = settlement

    async def receipt(self, message_id: str, settlement: Settlement, *, now: datetime) -> bool:
        del now
        # The newest first, because some SMSCs use an id again.
        for row in reversed(self._rows.values()):
            for segment, known in row.message_ids.items():
                if known == message_id:
                    row.reported(segment, settlement)
                    return True
        return False

    async def counts(self) -> OutboxCounts:
        owed = self._owed()
        return OutboxCounts(owed=len(owed), oldest_due_at=owed[0].due_at if owed else None)

    async def next_due(self) -> datetime | None:
        owed = self._owed()
        return owed[0].due_at if owed else None

    def _owed(self) -> list[_Row]:
        """Rows that are not closed, oldest due first."""
        rows = (row for row in self._rows.values() if row.settlement is None)
        return sorted(rows, key=lambda row: (row.due_at, row.id))
