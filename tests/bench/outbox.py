# SPDX-License-Identifier: Apache-2.0
"""What the outbox takes and gives out a second while it holds a million notifications."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench import report
from vvm.domain.notification import Cause, Leased, Owed
from vvm.domain.numbers import Msisdn
from vvm.store.port import Acceptance, Settlement
from vvm.store.sqlite import SqliteStore, open_sqlite

ROWS = 1_000_000
_BATCH = 10_000
_SINGLE = 10_000
_AT_ONCE = 64
_DRAINED = 20_000
_WINDOW = 100
_HANDS = 2
"""A gateway has two windows in its hands: while one is settled the other is leased."""
_NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_LIFE = timedelta(days=1)


async def measure(path: Path) -> None:
    async with open_sqlite(path) as store:
        before = _resident()
        started = time.perf_counter()
        for first in range(0, ROWS, _BATCH):
            await store.outbox.owe([_owed(number) for number in range(first, first + _BATCH)])
        report.rate(f"owed, {_BATCH:,} a transaction", ROWS, time.perf_counter() - started)

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for lane in range(_AT_ONCE):
                group.create_task(_owe(store, range(ROWS + lane, ROWS + _SINGLE, _AT_ONCE)))
        report.rate(
            f"owed, one a transaction, fsynced, {_AT_ONCE} at once", _SINGLE, time.perf_counter() - started
        )

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(_HANDS):
                group.create_task(_drain(store, _DRAINED // _HANDS))
        report.rate("leased, accepted and settled", _DRAINED, time.perf_counter() - started)
        report.row("  memory beyond that at the start", f"{(_resident() - before) / 2**20:,.0f} MiB")
        report.row("  file", f"{path.stat().st_size / 2**20:,.0f} MiB")


async def _owe(store: SqliteStore, numbers: range) -> None:
    for number in numbers:
        await store.outbox.owe([_owed(number)])


async def _drain(store: SqliteStore, count: int) -> None:
    """As the gateway does: a lease for the window, then a note for each SMS, all at once."""

    async def send(row: Leased) -> None:
        last = Acceptance(1, 1, f"main:{row.id}")
        await store.outbox.settle(row, Settlement.SENT, now=_NOW, last=last)

    for _ in range(count // _WINDOW):
        async with asyncio.TaskGroup() as group:
            for row in await store.outbox.lease(now=_NOW, lease=_LIFE, limit=_WINDOW):
                group.create_task(send(row))


def _owed(number: int) -> Owed:
    return Owed(
        recipient=Msisdn(f"+336{number:08}"),
        subscriber=None,
        cause=Cause.STATUS,
        due_at=_NOW,
        expires_at=_NOW + _LIFE,
    )


def _resident() -> int:
    """Octets of this process in memory."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
