# SPDX-License-Identifier: Apache-2.0
"""The RepeatStore of the memory adapter."""

from __future__ import annotations

from datetime import datetime

import msgspec

from vvm.store.repeats import Attempt, Remembered


class _Row(msgspec.Struct):
    attempt: Attempt
    answer: bytes | None = None


class MemoryRepeats:
    def __init__(self) -> None:
        self._rows: dict[bytes, _Row] = {}

    async def begin(self, attempt: Attempt, *, now: datetime, again: bool) -> Remembered | None:
        row = self._rows.get(attempt.key)
        if row is None or row.attempt.expires_at <= now or (again and _abandoned(row, attempt, now)):
            self._rows[attempt.key] = _Row(attempt)
            return None
        return Remembered(row.attempt.request, row.answer, row.attempt.busy_until)

    async def finish(self, key: bytes, answer: bytes) -> None:
        if key in self._rows:
            self._rows[key].answer = answer

    async def release(self, key: bytes) -> None:
        if key in self._rows and self._rows[key].answer is None:
            del self._rows[key]

    async def forget(self, *, before: datetime, limit: int) -> int:
        old = [key for key, row in self._rows.items() if row.attempt.expires_at < before][:limit]
        for key in old:
            del self._rows[key]
        return len(old)


def _abandoned(row: _Row, attempt: Attempt, now: datetime) -> bool:
    return row.answer is None and row.attempt.busy_until <= now and row.attempt.request == attempt.request
