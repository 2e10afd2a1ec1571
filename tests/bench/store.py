# SPDX-License-Identifier: Apache-2.0
"""Durable deposits a second into the store, against one commit a message on the same disk."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench import report
from vvm.domain.message import INBOX, Kind
from vvm.domain.notification import Cause, Owed
from vvm.domain.numbers import Msisdn
from vvm.domain.subscriber import ClientProfile, ProvisioningStatus, Subscriber
from vvm.store.port import Layout, NewMessage, NewSubscriber
from vvm.store.sqlite import SqliteStore, open_sqlite

_OCTETS = 30_000
_COUNT = 2048


def run(folder: Path) -> None:
    report.section(f"Store: durable deposits of {_OCTETS:,} octets, fsync before the answer")
    naive = _naive(folder / "naive.db")
    asyncio.run(_ours(folder / "ours.db", naive))


def _naive(path: Path) -> float:
    """The ground to compare with: the same octets, one transaction and one fsync each."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE blob (octets BLOB)")
    octets = os.urandom(_OCTETS)
    started = time.perf_counter()
    for _ in range(_COUNT // 4):
        connection.execute("INSERT INTO blob VALUES (?)", (octets,))
    seconds = time.perf_counter() - started
    connection.close()
    return report.rate("bare SQLite, one INSERT a commit", _COUNT // 4, seconds)


async def _ours(path: Path, naive: float) -> None:
    async with open_sqlite(path) as store:
        subscribers = [await _subscriber(store, number) for number in range(64)]
        for at_once in (1, 16, 64):
            each = _COUNT // at_once
            started = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for subscriber in subscribers[:at_once]:
                    group.create_task(_deposits(store, subscriber, each))
            seconds = time.perf_counter() - started
            ours = report.rate(f"store.append, {at_once} at once", each * at_once, seconds)
            report.ratio(f"  against bare SQLite, {at_once} at once", ours, naive)


async def _deposits(store: SqliteStore, subscriber: Subscriber, count: int) -> None:
    now = datetime.now(UTC)
    message = NewMessage(
        kind=Kind.VOICE,
        caller="+33698765432",
        received_at=now,
        seconds=20,
        octets=os.urandom(_OCTETS),
        layout=Layout(b"h" * 400, b"e" * 200, b"b" * 200, b"s" * 300, ()),
    )
    owed = Owed(
        recipient=subscriber.msisdn,
        subscriber=subscriber.id,
        cause=Cause.NEW_MESSAGE,
        due_at=now,
        expires_at=now + timedelta(days=1),
    )
    for _ in range(count):
        await store.mailboxes.append(subscriber.mailbox, INBOX, message, [owed])


async def _subscriber(store: SqliteStore, number: int) -> Subscriber:
    return await store.subscribers.create(
        NewSubscriber(
            msisdn=Msisdn(f"+3361234{number:04}"),
            status=ProvisioningStatus.READY,
            client=ClientProfile(),
            language="eng",
            setup_done=True,
            max_messages=1_000_000,
            imap_user=f"{number}@vvm.example.net",
            password_check=b"",
            password_sealed=b"",
            created_at=datetime.now(UTC),
        )
    )
